# Hypothesis tests, one job per mu unless mu_per_job says otherwise, and their inversion into limits.
#
# Needs: model.npz and fit.json. Makes: hypotest/mu_{mu}.json and limits.json of every calculator.


rule hypotest:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        fit="results/{analysis}/{signal}/fit.json",
    output:
        "results/{analysis}/{signal}/{calculator}/hypotest/mu_{mu}.json",
    log:
        "logs/{analysis}/{signal}/{calculator}/hypotest/mu_{mu}.log",
    wildcard_constraints:
        calculator="asymptotics",
    conda:
        "../envs/fits.yaml"
    params:
        code=code("hypotest.py"),
        mu=scans.mu_of_job,
    shell:
        "python {params.code:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --calculator {wildcards.calculator}"
        " --mu {params.mu}"
        " --output {output:q}"
        " --log {log:q}"


rule invert:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        fit="results/{analysis}/{signal}/fit.json",
        hypotest=collect(
            "results/{{analysis}}/{{signal}}/{{calculator}}/hypotest/mu_{mu}.json",
            mu=lookup("{analysis}", within=scans.mu_jobs),
        ),
    output:
        "results/{analysis}/{signal}/{calculator}/limits.json",
    log:
        "logs/{analysis}/{signal}/{calculator}/invert.log",
    wildcard_constraints:
        calculator="asymptotics",
    conda:
        "../envs/fits.yaml"
    params:
        code=code("invert.py"),
        confidence_level=scans.setting("confidence_level"),
        check_asymptotics=scans.setting("check_asymptotics"),
        toybased=scans.uses("toybased"),
        seed=toys.setting("seed"),
    shell:
        "python {params.code:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --hypotest {input.hypotest:q}"
        " --calculator {wildcards.calculator}"
        " --confidence-level {params.confidence_level}"
        " --check-asymptotics {params.check_asymptotics}"
        " --toybased {params.toybased}"
        " --seed {params.seed}"
        " --output {output:q}"
        " --log {log:q}"
