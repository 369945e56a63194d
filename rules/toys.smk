# Toys of the calculator `toybased` and of measurements: they are planned and thrown in rounds, by jobs that share them.
# They give limits, p-values of discoveries, and Feldman-Cousins intervals. `{toys}` is the folder of the toys: `toybased`
# for limits, `toybased/discovery` or `feldman_cousins` for measurements.
#
# Needs: model.npz and fit.json. Makes: plan_{round}.json, limits.json, discovery.json, feldman_cousins.json, and the blocks
# of toys under toys/. The blocks are no outputs of a rule: a block that exists and was made with the same settings is not
# made again, whatever the jobs.


rule plan_toys:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        fit="results/{analysis}/{signal}/fit.json",
    output:
        "results/{analysis}/{signal}/toybased/plan_0.json",
    log:
        "logs/{analysis}/{signal}/toybased/plan_0.log",
    localrule: True
    conda:
        "../envs/fits.yaml"
    params:
        code=code("plan_toys.py"),
        mu=scans.setting("mu"),
        confidence_level=scans.setting("confidence_level"),
        seed=toys.setting("seed"),
        block=toys.setting("block"),
        per_hypothesis=toys.setting("per_hypothesis"),
        target=toys.setting("target"),
        max=toys.setting("max"),
        max_failed_fraction=toys.setting("max_failed_fraction"),
    shell:
        "python {params.code:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --mu {params.mu}"
        " --confidence-level {params.confidence_level}"
        " --seed {params.seed}"
        " --block {params.block}"
        " --per-hypothesis {params.per_hypothesis}"
        " --target {params.target}"
        " --max {params.max}"
        " --max-failed-fraction {params.max_failed_fraction}"
        " --output {output:q}"
        " --log {log:q}"


rule throw_toys:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        fit="results/{analysis}/{signal}/fit.json",
        plan="results/{analysis}/{signal}/{toys}/plan_{round}.json",
    output:
        "results/{analysis}/{signal}/{toys}/jobs/round_{round}_part_{part}_of_{parts}.json",
    log:
        "logs/{analysis}/{signal}/{toys}/jobs/round_{round}_part_{part}_of_{parts}.log",
    wildcard_constraints:
        toys=TOYBASED,
    priority: 1  # pictures can fill the gaps
    conda:
        "../envs/fits.yaml"
    params:
        code=code("throw_toys.py"),
        results=FOLDER,
    shell:
        "python {params.code:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --plan {input.plan:q}"
        " --toys {params.results:q}/{wildcards.analysis:q}/{wildcards.signal:q}/{wildcards.toys}/toys"
        " --part {wildcards.part}"
        " --parts {wildcards.parts}"
        " --output {output:q}"
        " --log {log:q}"


rule allocate_toys:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        fit="results/{analysis}/{signal}/fit.json",
        plan=toys.previous_plan,
        jobs=toys.previous_jobs,
    output:
        "results/{analysis}/{signal}/{toys}/plan_{round}.json",
    log:
        "logs/{analysis}/{signal}/{toys}/plan_{round}.log",
    wildcard_constraints:
        toys=TOYBASED,
        round=r"[1-9][0-9]*",
    conda:
        "../envs/fits.yaml"
    params:
        code=code("allocate_toys.py"),
        results=FOLDER,
    shell:
        "python {params.code:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --plan {input.plan:q}"
        " --toys {params.results:q}/{wildcards.analysis:q}/{wildcards.signal:q}/{wildcards.toys}/toys"
        " --output {output:q}"
        " --log {log:q}"


use rule allocate_toys as invert_toys with:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        fit="results/{analysis}/{signal}/fit.json",
        plan=toys.last_plan,
        jobs=toys.last_jobs,
    output:
        "results/{analysis}/{signal}/{toys}/limits.json",
    log:
        "logs/{analysis}/{signal}/{toys}/invert.log",
    wildcard_constraints:
        toys=TOYBASED,
    params:
        code=code("invert_toys.py"),


rule plan_measurement:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        fit="results/{analysis}/{signal}/fit.json",
    output:
        "results/{analysis}/{signal}/{toys}/plan_0.json",
    log:
        "logs/{analysis}/{signal}/{toys}/plan_0.log",
    wildcard_constraints:
        toys=one_of(TOY_MEASUREMENTS),
    localrule: True
    conda:
        "../envs/fits.yaml"
    params:
        code=code("plan_measurement.py"),
        measurement=lambda wildcards: os.path.basename(wildcards.toys),
        levels=scans.levels_of_intervals,
        seed=toys.setting("seed"),
        block=toys.setting("block"),
        per_hypothesis=toys.setting("per_hypothesis"),
        target=toys.setting("target"),
        max=toys.setting("max"),
        max_failed_fraction=toys.setting("max_failed_fraction"),
    shell:
        "python {params.code:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --measurement {params.measurement}"
        " --levels {params.levels}"
        " --seed {params.seed}"
        " --block {params.block}"
        " --per-hypothesis {params.per_hypothesis}"
        " --target {params.target}"
        " --max {params.max}"
        " --max-failed-fraction {params.max_failed_fraction}"
        " --output {output:q}"
        " --log {log:q}"


use rule throw_toys as throw_toys_of_measurement with:
    wildcard_constraints:
        toys=one_of(TOY_MEASUREMENTS),


use rule allocate_toys as allocate_toys_of_measurement with:
    wildcard_constraints:
        toys=one_of(TOY_MEASUREMENTS),
        round=r"[1-9][0-9]*",


use rule invert_toys as measure_with_toys with:
    output:
        "results/{analysis}/{signal}/{toys}.json",
    log:
        "logs/{analysis}/{signal}/{toys}/result.log",
    wildcard_constraints:
        toys=one_of(TOY_MEASUREMENTS),
    params:
        code=code("measure_with_toys.py"),
