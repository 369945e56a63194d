# Workspace construction: from histograms and a model, or from a published workspace and a patch.
#
# Needs: histograms.csv, or the files of a `workspace` data set. Makes: workspace.json of every signal, and model.npz, the
# same as arrays.


rule build_workspace:
    input:
        code=code("build_workspace.py"),
        histograms=histograms,
    output:
        "results/{analysis}/{signal}/workspace.json",
    log:
        "logs/{analysis}/{signal}/build_workspace.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/build_workspace.tsv"
    wildcard_constraints:
        analysis=one_of(analysis for analysis in SIGNALS if analysis not in PUBLISHED),
    conda:
        "../envs/muscan.yaml"
    params:
        model=lambda wildcards: model_of(wildcards.analysis),
        blind=blind_option,
    shell:
        "python {input.code[0]:q}"
        " --histograms {input.histograms:q}"
        " --model {params.model:q}"
        " {params.blind:q}"
        " --output {output:q}"
        " --log {log:q}"


rule check_published:
    input:
        unpack(published_inputs),
        code=code("check_published.py"),
    output:
        "results/datasets/{dataset}/checked.json",
    log:
        "logs/datasets/{dataset}/check_published.log",
    benchmark:
        "benchmarks/datasets/{dataset}/check_published.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        options=published_options,
    shell:
        "python {input.code[0]:q}" " {params.options:q}" " --output {output:q}" " --log {log:q}"


rule patch_workspace:
    input:
        unpack(patch_inputs),
        code=code("patch_workspace.py"),
        checked=checked,
    output:
        "results/{analysis}/{signal}/workspace.json",
    log:
        "logs/{analysis}/{signal}/patch_workspace.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/patch_workspace.tsv"
    wildcard_constraints:
        analysis=one_of(PUBLISHED),
    conda:
        "../envs/muscan.yaml"
    params:
        options=patch_options,
    shell:
        "python {input.code[0]:q}"
        " {params.options:q}"
        " --checked {input.checked:q}"
        " --output {output:q}"
        " --log {log:q}"


rule compile_model:
    input:
        code=code("compile_model.py"),
        workspace="results/{analysis}/{signal}/workspace.json",
    output:
        "results/{analysis}/{signal}/model.npz",
    log:
        "logs/{analysis}/{signal}/compile_model.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/compile_model.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        interpolation=setting("interpolation"),
    shell:
        "python {input.code[0]:q}"
        " --workspace {input.workspace:q}"
        " --normsys {params.interpolation[normsys]:q}"
        " --histosys {params.interpolation[histosys]:q}"
        " --output {output:q}"
        " --log {log:q}"
