# All that does not depend on the tested mu, once per signal.
#
# Needs: workspace.json. Makes: fit.json.


rule fit:
    input:
        code=code("fit.py"),
        workspace="results/{analysis}/{signal}/workspace.json",
    output:
        "results/{analysis}/{signal}/fit.json",
    log:
        "logs/{analysis}/{signal}/fit.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/fit.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        test_statistic=setting("test_statistic"),
        poi_bound=lambda wildcards: configuration.poi_bound(GRIDS[wildcards.analysis]),
        interpolation=setting("interpolation"),
    shell:
        "python {input.code[0]:q}"
        " --workspace {input.workspace:q}"
        " --test-statistic {params.test_statistic:q}"
        " --poi-bound {params.poi_bound:q}"
        " --normsys {params.interpolation[normsys]:q}"
        " --histosys {params.interpolation[histosys]:q}"
        " --output {output:q}"
        " --log {log:q}"
