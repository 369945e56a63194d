# Toys of the calculator `toybased`, in rounds: which, thrown by jobs that share them, and their inversion into limits.
#
# Needs: model.npz and fit.json. Makes: plan_{round}.json, limits.json, and the blocks of toys under toys/, which are no
# outputs of a rule: a block that is there and was made in the same way is not made again, however jobs are cut.


rule plan_toys:
    input:
        unpack(reference_inputs),
        code=code("plan_toys.py"),
        model="results/{analysis}/{signal}/model.npz",
        fit="results/{analysis}/{signal}/fit.json",
    output:
        "results/{analysis}/{signal}/toybased/plan_0.json",
    log:
        "logs/{analysis}/{signal}/toybased/plan_0.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/toybased/plan_0.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        workspace=workspace_options,
        mu=lambda wildcards: mu_options(MU[wildcards.analysis]),
        confidence_level=setting("confidence_level"),
        toys=toy_options,
    shell:
        "python {input.code[0]:q}"
        " --model {input.model:q}"
        " {params.workspace:q}"
        " --fit {input.fit:q}"
        " {params.mu:q}"
        " --confidence-level {params.confidence_level:q}"
        " {params.toys:q}"
        " --output {output:q}"
        " --log {log:q}"


rule throw_toys:
    input:
        unpack(reference_inputs),
        code=code("throw_toys.py"),
        model="results/{analysis}/{signal}/model.npz",
        fit="results/{analysis}/{signal}/fit.json",
        plan="results/{analysis}/{signal}/toybased/plan_{round}.json",
    output:
        "results/{analysis}/{signal}/toybased/jobs/round_{round}_part_{part}_of_{parts}.json",
    log:
        "logs/{analysis}/{signal}/toybased/jobs/round_{round}_part_{part}_of_{parts}.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/toybased/jobs/round_{round}_part_{part}_of_{parts}.tsv"
    priority: 1  # pictures can fill the gaps
    conda:
        "../envs/muscan.yaml"
    params:
        workspace=workspace_options,
        toys=lambda wildcards: f"{toys_of(wildcards)}/toys",
    shell:
        "python {input.code[0]:q}"
        " --model {input.model:q}"
        " {params.workspace:q}"
        " --fit {input.fit:q}"
        " --plan {input.plan:q}"
        " --toys {params.toys:q}"
        " --part {wildcards.part}"
        " --parts {wildcards.parts}"
        " --output {output:q}"
        " --log {log:q}"


rule allocate_toys:
    input:
        unpack(reference_inputs),
        unpack(round_before),
        code=code("allocate_toys.py"),
        model="results/{analysis}/{signal}/model.npz",
        fit="results/{analysis}/{signal}/fit.json",
    output:
        "results/{analysis}/{signal}/toybased/plan_{round}.json",
    log:
        "logs/{analysis}/{signal}/toybased/plan_{round}.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/toybased/plan_{round}.tsv"
    wildcard_constraints:
        round=r"[1-9][0-9]*",
    conda:
        "../envs/muscan.yaml"
    params:
        workspace=workspace_options,
        toys=lambda wildcards: f"{toys_of(wildcards)}/toys",
    shell:
        "python {input.code[0]:q}"
        " --model {input.model:q}"
        " {params.workspace:q}"
        " --fit {input.fit:q}"
        " --plan {input.plan:q}"
        " --toys {params.toys:q}"
        " --output {output:q}"
        " --log {log:q}"


rule invert_toys:
    input:
        unpack(reference_inputs),
        unpack(last_round),
        code=code("invert_toys.py"),
        model="results/{analysis}/{signal}/model.npz",
        fit="results/{analysis}/{signal}/fit.json",
    output:
        "results/{analysis}/{signal}/toybased/limits.json",
    log:
        "logs/{analysis}/{signal}/toybased/invert.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/toybased/invert.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        workspace=workspace_options,
        confidence_level=setting("confidence_level"),
        test_statistic=setting("test_statistic"),
        toys=lambda wildcards: f"{toys_of(wildcards)}/toys",
    shell:
        "python {input.code[0]:q}"
        " --model {input.model:q}"
        " {params.workspace:q}"
        " --fit {input.fit:q}"
        " --plan {input.plan:q}"
        " --toys {params.toys:q}"
        " --test-statistic {params.test_statistic:q}"
        " --confidence-level {params.confidence_level:q}"
        " --output {output:q}"
        " --log {log:q}"
