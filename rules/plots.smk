# Tables and pictures, and the list of all results.
#
# Needs: fit.json and limits.json. Makes: plots of every scan, limits.csv and limits.md, the picture that compares them,
# report.html, and manifest.json.


rule plot:
    input:
        unpack(plot_inputs),
        code=plot_code,
    output:
        png="results/{analysis}/{signal}/{calculator}/plots/{plot}.png",
        pdf="results/{analysis}/{signal}/{calculator}/plots/{plot}.pdf",
    log:
        "logs/{analysis}/{signal}/{calculator}/plots/{plot}.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/{calculator}/plots/{plot}.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        inputs=plot_options,
        title=title,
    shell:
        "python {input.code[0]:q}"
        " --plot {wildcards.plot:q}"
        " {params.inputs:q}"
        " --title {params.title:q}"
        " --output {output.png:q}"
        " --log {log:q}"


rule plot_folder:
    input:
        unpack(plot_inputs),
        code=plot_code,
    output:
        directory("results/{analysis}/{signal}/{calculator}/plots/{plot}"),
    log:
        "logs/{analysis}/{signal}/{calculator}/plots/{plot}.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/{calculator}/plots/{plot}.tsv"
    wildcard_constraints:
        plot=one_of(FOLDER_PLOTS),
    conda:
        "../envs/muscan.yaml"
    params:
        inputs=plot_options,
        title=title,
    shell:
        "python {input.code[0]:q}"
        " --plot {wildcards.plot:q}"
        " {params.inputs:q}"
        " --title {params.title:q}"
        " --output {output:q}"
        " --log {log:q}"


rule tables:
    input:
        code=code("tables.py"),
        limits=expand("results/{scan}/limits.json", scan=SCANS),
        fits=sorted({f"results/{os.path.dirname(scan)}/fit.json" for scan in SCANS}),
    output:
        csv="results/limits.csv",
        markdown="results/limits.md",
    log:
        "logs/tables.log",
    benchmark:
        "benchmarks/tables.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        outline=literally(OUTLINE),
        not_run=literally(json.dumps(NOT_RUN)),
    shell:
        "python {input.code[0]:q}"
        " --outline {params.outline:q}"
        " --not-run {params.not_run:q}"
        " --csv {output.csv:q}"
        " --markdown {output.markdown:q}"
        " --log {log:q}"


rule compare_calculators:
    input:
        code=code("compare_calculators.py"),
        limits=expand("results/{scan}/limits.json", scan=TOY_SCANS),
    output:
        csv="results/toybased.csv",
        markdown="results/toybased.md",
    log:
        "logs/compare_calculators.log",
    benchmark:
        "benchmarks/compare_calculators.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        outline=literally(OUTLINE),
    shell:
        "python {input.code[0]:q}"
        " --outline {params.outline:q}"
        " --csv {output.csv:q}"
        " --markdown {output.markdown:q}"
        " --log {log:q}"


rule compare_limits:
    input:
        code=code("compare_limits.py"),
        limits="results/limits.csv",
    output:
        png="results/plots/limits.png",
        pdf="results/plots/limits.pdf",
    log:
        "logs/plots/limits.log",
    benchmark:
        "benchmarks/plots/limits.tsv"
    conda:
        "../envs/muscan.yaml"
    shell:
        "python {input.code[0]:q}" " --limits {input.limits:q}" " --output {output.png:q}" " --log {log:q}"


rule report:
    """All results on one page, with what they mean."""
    input:
        [name for name in RESULTS if name != result_files.REPORT],
        code=code("report.py"),
        template=[os.path.relpath(os.path.join(workflow.basedir, name)) for name in result_files.REPORT_PARTS],
    output:
        result_files.REPORT,
    log:
        "logs/report.log",
    benchmark:
        "benchmarks/report.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        config=literally(json.dumps(config)),
        problems=literally(as_options({"problems": PROBLEMS or None})),
    shell:
        "python {input.code[0]:q}"
        " --config {params.config:q}"
        " {params.problems:q}"
        " --output {output:q}"
        " --log {log:q}"


rule verdict:
    """Fails if a limit is missing because something failed, after everything else is done."""
    input:
        code=code("verdict.py"),
        limits="results/limits.csv",
    output:
        touch("results/.verdict"),
    log:
        "logs/verdict.log",
    conda:
        "../envs/muscan.yaml"
    params:
        problems=literally(as_options({"problems": OTHER_PROBLEMS or None})),
    shell:
        "python {input.code[0]:q}" " --limits {input.limits:q}" " {params.problems:q}" " --log {log:q}"


rule manifest:
    """The last one: digests of all results and inputs."""
    input:
        RESULTS,
        code=code("manifest.py"),
    output:
        result_files.MANIFEST,
    log:
        "logs/manifest.log",
    benchmark:
        "benchmarks/manifest.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        config=literally(json.dumps(config)),
        problems=literally(as_options({"problems": PROBLEMS or None})),
    shell:
        "python {input.code[0]:q}"
        " --config {params.config:q}"
        " {params.problems:q}"
        " --output {output:q}"
        " --log {log:q}"
