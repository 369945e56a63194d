# Toy generation, and histograms from elsewhere.
#
# Needs: `datasets` of the configuration. Makes: histograms.csv, templates and observed counts per bin.


rule simulate:
    input:
        code=code("simulate.py"),
    output:
        "results/datasets/{dataset}/histograms.csv",
    log:
        "logs/datasets/{dataset}/simulate.log",
    benchmark:
        "benchmarks/datasets/{dataset}/simulate.tsv"
    wildcard_constraints:
        dataset=one_of(SIMULATED),
    conda:
        "../envs/muscan.yaml"
    params:
        spec=lambda wildcards: json.dumps(config["datasets"][wildcards.dataset]["simulate"]),
    shell:
        "python {input.code[0]:q}" " --spec {params.spec:q}" " --output {output:q}" " --log {log:q}"


rule read_histograms:
    input:
        code=code("read_histograms.py"),
        files=lambda wildcards: configuration.input_files(config["datasets"][wildcards.dataset]).values(),
    output:
        "results/datasets/{dataset}/histograms.csv",
    log:
        "logs/datasets/{dataset}/read_histograms.log",
    benchmark:
        "benchmarks/datasets/{dataset}/read_histograms.tsv"
    wildcard_constraints:
        dataset=one_of(BINNED),
    conda:
        "../envs/muscan.yaml"
    params:
        spec=lambda wildcards: json.dumps(config["datasets"][wildcards.dataset]["histograms"]),
    shell:
        "python {input.code[0]:q}" " --spec {params.spec:q}" " --output {output:q}" " --log {log:q}"
