# Pseudo-data, and histograms from files or from the configuration.
#
# Needs: `datasets` of the configuration. Makes: histograms.csv, templates and observed counts per bin; for blind analyses
# blinded.csv, the templates alone; and findings about histograms that were read: what was left out or changed.


rule simulate:
    output:
        "results/datasets/{dataset}/{histograms}.csv",
    log:
        "logs/datasets/{dataset}/simulate_{histograms}.log",
    wildcard_constraints:
        dataset=one_of(datasets.simulated),
    localrule: True
    conda:
        "../envs/histograms.yaml"
    params:
        code=code("simulate.py"),
        spec=datasets.simulation_spec,
        blind=datasets.blind,
    shell:
        "python {params.code:q}"
        " --spec {params.spec:q}"
        " --blind {params.blind}"
        " --output {output:q}"
        " --log {log:q}"


rule read_histograms:
    input:
        files=usage.named(datasets.files),
    output:
        histograms="results/datasets/{dataset}/{histograms}.csv",
        findings="results/datasets/{dataset}/{histograms}_findings.json",
    log:
        "logs/datasets/{dataset}/read_{histograms}.log",
    wildcard_constraints:
        dataset=one_of(datasets.external),
    localrule: True
    conda:
        "../envs/histograms.yaml"
    params:
        code=code("read_histograms.py"),
        spec=datasets.histogram_spec,
        blind=datasets.blind,
    shell:
        "python {params.code:q}"
        " --spec {params.spec:q}"
        " --blind {params.blind}"
        " --output {output.histograms:q}"
        " --findings {output.findings:q}"
        " --log {log:q}"
