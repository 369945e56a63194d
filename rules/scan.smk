# Hypothesis tests, one job per mu unless mu_per_job says otherwise, and their inversion into limits.
#
# Needs: workspace.json and fit.json. Makes: hypotest/mu_{mu}.json and limits.json of every calculator.


rule hypotest:
    input:
        code=code("hypotest.py"),
        workspace="results/{analysis}/{signal}/workspace.json",
        fit="results/{analysis}/{signal}/fit.json",
    output:
        "results/{analysis}/{signal}/{calculator}/hypotest/mu_{mu}.json",
    log:
        "logs/{analysis}/{signal}/{calculator}/hypotest/mu_{mu}.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/{calculator}/hypotest/mu_{mu}.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        mu=lambda wildcards: MU_JOBS[wildcards.analysis][wildcards.mu],
    shell:
        "python {input.code[0]:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --calculator {wildcards.calculator:q}"
        " --mu {params.mu:q}"
        " --output {output:q}"
        " --log {log:q}"


rule invert:
    input:
        code=code("invert.py"),
        workspace="results/{analysis}/{signal}/workspace.json",
        fit="results/{analysis}/{signal}/fit.json",
        hypotest=collect(
            "results/{{analysis}}/{{signal}}/{{calculator}}/hypotest/mu_{mu}.json",
            mu=lookup("{analysis}", within=MU_JOBS),
        ),
    output:
        "results/{analysis}/{signal}/{calculator}/limits.json",
    log:
        "logs/{analysis}/{signal}/{calculator}/invert.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/{calculator}/invert.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        confidence_level=setting("confidence_level"),
        test_statistic=setting("test_statistic"),
    shell:
        "python {input.code[0]:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --calculator {wildcards.calculator:q}"
        " --test-statistic {params.test_statistic:q}"
        " --confidence-level {params.confidence_level:q}"
        " --output {output:q}"
        " --log {log:q}"
        " --hypotest {input.hypotest:q}"
