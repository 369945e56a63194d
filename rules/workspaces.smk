# Workspace construction: from histograms and a model, or from a published workspace and a patch.
#
# Needs: histograms.csv, or the files of a `workspace` data set. Makes: workspace.json of every signal, and model.npz, the
# same model as arrays.


rule build_workspace:
    input:
        histograms=workspaces.histograms,
    output:
        "results/{analysis}/{signal}/workspace.json",
    log:
        "logs/{analysis}/{signal}/build_workspace.log",
    wildcard_constraints:
        analysis=one_of(scans.of_histograms),
    localrule: True
    conda:
        "../envs/workspaces.yaml"
    params:
        code=code("build_workspace.py"),
        model=workspaces.model_spec,
        blind=scans.setting("blind"),
    shell:
        "python {params.code:q}"
        " --histograms {input.histograms:q}"
        " --model {params.model:q}"
        " --blind {params.blind}"
        " --output {output:q}"
        " --log {log:q}"


rule check_published:
    input:
        workspace=usage.named(datasets.published("workspace")),
        patchset=usage.named(datasets.published("patchset")),
    output:
        "results/datasets/{dataset}/checked.json",
    log:
        "logs/datasets/{dataset}/check_published.log",
    localrule: True
    conda:
        "../envs/workspaces.yaml"
    params:
        code=code("check_published.py"),
        max_megabytes=datasets.max_megabytes,
    shell:
        "python {params.code:q}"
        " --workspace={input.workspace:q}"
        " --patchset={input.patchset:q}"
        " --max-megabytes {params.max_megabytes}"
        " --output {output:q}"
        " --log {log:q}"


rule patch_workspace:
    input:
        workspace=usage.named(workspaces.published("workspace")),
        patchset=usage.named(workspaces.published("patchset")),
        patch=usage.named(workspaces.existing_patch),
        checked=workspaces.checked,
    output:
        "results/{analysis}/{signal}/workspace.json",
    log:
        "logs/{analysis}/{signal}/patch_workspace.log",
    wildcard_constraints:
        analysis=one_of(scans.published),
    localrule: True
    conda:
        "../envs/workspaces.yaml"
    params:
        code=code("patch_workspace.py"),
        patch=workspaces.published("patch"),  # also if it does not exist
        signal=workspaces.signal,
        measurement=workspaces.measurement,
        max_megabytes=workspaces.max_megabytes,
        blind=scans.setting("blind"),
    shell:
        "python {params.code:q}"
        " --workspace={input.workspace:q}"
        " --patchset={input.patchset:q}"
        " --patch={params.patch:q}"
        " --signal={params.signal:q}"
        " --measurement={params.measurement:q}"
        " --max-megabytes {params.max_megabytes}"
        " --blind {params.blind}"
        " --checked {input.checked:q}"
        " --output {output:q}"
        " --log {log:q}"


rule compile_model:
    input:
        workspace="results/{analysis}/{signal}/workspace.json",
    output:
        "results/{analysis}/{signal}/model.npz",
    log:
        "logs/{analysis}/{signal}/compile_model.log",
    localrule: True
    conda:
        "../envs/workspaces.yaml"
    params:
        code=code("compile_model.py"),
        normsys=scans.interpolation("normsys"),
        histosys=scans.interpolation("histosys"),
    shell:
        "python {params.code:q}"
        " --workspace {input.workspace:q}"
        " --normsys {params.normsys}"
        " --histosys {params.histosys}"
        " --output {output:q}"
        " --log {log:q}"
