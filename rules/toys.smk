# Toys of the calculator `toybased`: they are planned and thrown in rounds, by jobs that share them, and inverted into
# limits.
#
# Needs: model.npz and fit.json. Makes: plan_{round}.json, limits.json, and the blocks of toys under toys/. The blocks are
# no outputs of a rule: a block that exists and was made with the same settings is not made again, whatever the jobs.


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
        plan="results/{analysis}/{signal}/toybased/plan_{round}.json",
    output:
        "results/{analysis}/{signal}/toybased/jobs/round_{round}_part_{part}_of_{parts}.json",
    log:
        "logs/{analysis}/{signal}/toybased/jobs/round_{round}_part_{part}_of_{parts}.log",
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
        " --toys {params.results:q}/{wildcards.analysis:q}/{wildcards.signal:q}/toybased/toys"
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
        "results/{analysis}/{signal}/toybased/plan_{round}.json",
    log:
        "logs/{analysis}/{signal}/toybased/plan_{round}.log",
    wildcard_constraints:
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
        " --toys {params.results:q}/{wildcards.analysis:q}/{wildcards.signal:q}/toybased/toys"
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
        "results/{analysis}/{signal}/toybased/limits.json",
    log:
        "logs/{analysis}/{signal}/toybased/invert.log",
    params:
        code=code("invert_toys.py"),
