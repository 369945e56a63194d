# Toy generation, and histograms from elsewhere.
#
# Needs: `datasets` of the configuration. Makes: histograms.csv, templates and observed counts per bin; for blind analyses
# blinded.csv, the templates alone; beside them, of histograms from elsewhere, what was left out or changed.


rule simulate:
    input:
        code=code("simulate.py"),
    output:
        "results/datasets/{dataset}/{histograms}.csv",
    log:
        "logs/datasets/{dataset}/simulate_{histograms}.log",
    benchmark:
        "benchmarks/datasets/{dataset}/simulate_{histograms}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets.simulated),
    conda:
        "../envs/muscan.yaml"
    params:
        spec=datasets.simulation,
        blind=datasets.blind,
    shell:
        "python {input.code[0]:q}"
        " --spec {params.spec:q}"
        " --blind {params.blind}"
        " --output {output:q}"
        " --log {log:q}"


rule read_histograms:
    input:
        code=code("read_histograms.py"),
        files=datasets.files,
    output:
        histograms="results/datasets/{dataset}/{histograms}.csv",
        findings="results/datasets/{dataset}/{histograms}_findings.json",
    log:
        "logs/datasets/{dataset}/read_{histograms}.log",
    benchmark:
        "benchmarks/datasets/{dataset}/read_{histograms}.tsv"
    wildcard_constraints:
        dataset=one_of(datasets.read),
    conda:
        "../envs/muscan.yaml"
    params:
        spec=datasets.histograms,
        blind=datasets.blind,
    shell:
        "python {input.code[0]:q}"
        " --spec {params.spec:q}"
        " --blind {params.blind}"
        " --output {output.histograms:q}"
        " --findings {output.findings:q}"
        " --log {log:q}"
