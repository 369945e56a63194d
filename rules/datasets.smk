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
        dataset=one_of(SIMULATED),
    conda:
        "../envs/muscan.yaml"
    params:
        options=histogram_options("simulate"),
    shell:
        "python {input.code[0]:q}" " {params.options:q}" " --output {output:q}" " --log {log:q}"


rule read_histograms:
    input:
        code=code("read_histograms.py"),
        files=histogram_files,
    output:
        histograms="results/datasets/{dataset}/{histograms}.csv",
        findings="results/datasets/{dataset}/{histograms}_findings.json",
    log:
        "logs/datasets/{dataset}/read_{histograms}.log",
    benchmark:
        "benchmarks/datasets/{dataset}/read_{histograms}.tsv"
    wildcard_constraints:
        dataset=one_of(BINNED),
    conda:
        "../envs/muscan.yaml"
    params:
        options=histogram_options("histograms"),
    shell:
        "python {input.code[0]:q}"
        " {params.options:q}"
        " --output {output.histograms:q}"
        " --findings {output.findings:q}"
        " --log {log:q}"
