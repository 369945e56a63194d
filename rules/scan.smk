# Hypothesis tests, one job per mu unless mu_per_job says otherwise, and their inversion into limits.
#
# Needs: model.npz and fit.json. Makes: hypotest/mu_{mu}.json and limits.json of every calculator.


rule hypotest:
    input:
        unpack(reference_inputs),
        code=code("hypotest.py"),
        model="results/{analysis}/{signal}/model.npz",
        fit="results/{analysis}/{signal}/fit.json",
    output:
        "results/{analysis}/{signal}/{calculator}/hypotest/mu_{mu}.json",
    log:
        "logs/{analysis}/{signal}/{calculator}/hypotest/mu_{mu}.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/{calculator}/hypotest/mu_{mu}.tsv"
    wildcard_constraints:
        calculator="asymptotics",
    conda:
        "../envs/muscan.yaml"
    params:
        workspace=workspace_options,
        mu=lambda wildcards: mu_options(MU_JOBS[wildcards.analysis][wildcards.mu]),
    shell:
        "python {input.code[0]:q}"
        " --model {input.model:q}"
        " {params.workspace:q}"
        " --fit {input.fit:q}"
        " --calculator {wildcards.calculator:q}"
        " {params.mu:q}"
        " --output {output:q}"
        " --log {log:q}"


rule invert:
    input:
        unpack(reference_inputs),
        code=code("invert.py"),
        model="results/{analysis}/{signal}/model.npz",
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
    wildcard_constraints:
        calculator="asymptotics",
    conda:
        "../envs/muscan.yaml"
    params:
        workspace=workspace_options,
        confidence_level=setting("confidence_level"),
        test_statistic=setting("test_statistic"),
        check=check_options,
    shell:
        "python {input.code[0]:q}"
        " --model {input.model:q}"
        " {params.workspace:q}"
        " --fit {input.fit:q}"
        " --calculator {wildcards.calculator:q}"
        " --test-statistic {params.test_statistic:q}"
        " --confidence-level {params.confidence_level:q}"
        " {params.check:q}"
        " --output {output:q}"
        " --log {log:q}"
        " --hypotest {input.hypotest:q}"
