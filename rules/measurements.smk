# What is calculated of a signal beside its limits: discovery, intervals, scans of the likelihood, ranking.
#
# Needs: model.npz and fit.json. Makes: discovery.json of the calculator `asymptotics`, intervals.json,
# likelihood_scans.json and .csv, ranking.json and .csv. Packs make the same files, see packs.smk.


rule discover:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        fit="results/{analysis}/{signal}/fit.json",
    output:
        "results/{analysis}/{signal}/{calculator}/discovery.json",
    log:
        "logs/{analysis}/{signal}/{calculator}/discovery.log",
    wildcard_constraints:
        calculator="asymptotics",
    conda:
        "../envs/fits.yaml"
    params:
        code=code("discover.py"),
    shell:
        "python {params.code:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --output {output:q}"
        " --log {log:q}"


rule find_intervals:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        fit="results/{analysis}/{signal}/fit.json",
    output:
        "results/{analysis}/{signal}/intervals.json",
    log:
        "logs/{analysis}/{signal}/intervals.log",
    conda:
        "../envs/fits.yaml"
    params:
        code=code("find_intervals.py"),
        levels=scans.option_of("intervals", "levels"),
        parameters=scans.option_of("intervals", "parameters"),
    shell:
        "python {params.code:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --levels {params.levels}"
        " --parameters {params.parameters:q}"
        " --output {output:q}"
        " --log {log:q}"


rule scan_likelihood:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        fit="results/{analysis}/{signal}/fit.json",
    output:
        json="results/{analysis}/{signal}/likelihood_scans.json",
        csv="results/{analysis}/{signal}/likelihood_scans.csv",
    log:
        "logs/{analysis}/{signal}/likelihood_scans.log",
    conda:
        "../envs/fits.yaml"
    params:
        code=code("scan_likelihood.py"),
        scans=scans.option_of("likelihood_scans", "scans"),
    shell:
        "python {params.code:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --scans {params.scans:q}"
        " --output {output.json:q}"
        " --csv {output.csv:q}"
        " --log {log:q}"


rule rank:
    input:
        model="results/{analysis}/{signal}/model.npz",
        workspace=WORKSPACE_OF_PYHF,
        fit="results/{analysis}/{signal}/fit.json",
    output:
        json="results/{analysis}/{signal}/ranking.json",
        csv="results/{analysis}/{signal}/ranking.csv",
    log:
        "logs/{analysis}/{signal}/ranking.log",
    conda:
        "../envs/fits.yaml"
    params:
        code=code("rank.py"),
        confidence_level=scans.setting("confidence_level"),
        show=scans.option_of("ranking", "show"),
        groups=scans.option_of("ranking", "groups"),
        group_limits=scans.option_of("ranking", "group_limits"),
    shell:
        "python {params.code:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --fit {input.fit:q}"
        " --confidence-level {params.confidence_level}"
        " --show {params.show}"
        " --groups {params.groups:q}"
        " --group-limits {params.group_limits}"
        " --output {output.json:q}"
        " --csv {output.csv:q}"
        " --log {log:q}"
