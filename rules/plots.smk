# Tables and pictures, and the list of all results.
#
# Needs: fit.json and limits.json. Makes: plots of every scan, limits.csv and limits.md, the picture that compares them,
# report.html, and manifest.json.


# The first page of what `snakemake --report` writes.
report: "../report/captions/workflow.rst"


rule plot:
    input:
        fit=branch(drawn_from("fit"), then="results/{analysis}/{signal}/fit.json"),
        limits=branch(drawn_from("limits"), then="results/{analysis}/{signal}/{calculator}/limits.json"),
        model=branch(drawn_from("model"), then="results/{analysis}/{signal}/model.npz"),
        workspace=branch(drawn_from("workspace"), then="results/{analysis}/{signal}/workspace.json"),
        histograms=branch(drawn_from("histograms"), then=workspaces.histograms),
        plan=branch(drawn_from("plan"), then=toys.last_plan),
        measurement=branch(drawn_from("measurement"), then="results/{analysis}/{signal}/{plot}.json"),
    output:
        picture=report(
            "results/{analysis}/{signal}/{calculator}/plots/{plot}.png",
            caption="../report/captions/plot.rst",
            category="Analysis {analysis}",
            subcategory="{signal}",
            labels={"picture": "{plot}", "calculator": "{calculator}"},
        ),
        pdf="results/{analysis}/{signal}/{calculator}/plots/{plot}.pdf",
    log:
        "logs/{analysis}/{signal}/{calculator}/plots/{plot}.log",
    localrule: True
    conda:
        "../envs/plots.yaml"
    params:
        code=lambda wildcards: code("plot.py", f"muscan/plotting/{wildcards.plot}.py"),
        results=FOLDER,
        show=branch(drawn_from("plan"), then=toys.setting("show")),
        title=scans.title,
    shell:
        "python {params.code:q}"
        " --plot {wildcards.plot}"
        " --fit {input.fit:q}"
        " --limits {input.limits:q}"
        " --model {input.model:q}"
        " --workspace {input.workspace:q}"
        " --histograms {input.histograms:q}"
        " --plan {input.plan:q}"
        " --measurement {input.measurement:q}"
        " --toys {params.results:q}/{wildcards.analysis:q}/{wildcards.signal:q}/toybased/toys"
        " --show {params.show}"
        " --title {params.title:q}"
        " --output {output.picture:q}"
        " --log {log:q}"


use rule plot as plot_folder with:
    output:
        picture=report(
            directory("results/{analysis}/{signal}/{calculator}/plots/{plot}"),
            patterns=["{part}.png"],
            caption="../report/captions/plot.rst",
            category="Analysis {analysis}",
            subcategory="{signal}",
            labels={"picture": "{plot}", "calculator": "{calculator}", "part": "{part}"},
        ),
    wildcard_constraints:
        plot=one_of(FOLDER_PLOTS),
    localrule: True


rule tables:
    input:
        limits=expand("results/{scan}/limits.json", scan=scans.names),
        fits=sorted({f"results/{os.path.dirname(scan)}/fit.json" for scan in scans.names}),
        measurements=expand("results/{file}", file=scans.measurement_files),
    output:
        csv=report(
            "results/limits.csv",
            caption="../report/captions/tables.rst",
            category="Limits",
            labels={"result": "All limits", "format": "CSV"},
        ),
        markdown=report(
            "results/limits.md",
            caption="../report/captions/tables.rst",
            category="Limits",
            labels={"result": "All limits", "format": "Markdown"},
        ),
    log:
        "logs/tables.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        code=code("tables.py"),
        results=FOLDER,
        outline=literal(OUTLINE),
        not_run=literal(json.dumps(usable.not_run)),
    shell:
        "python {params.code:q}"
        " --outline {params.outline:q}"
        " --results {params.results:q}"
        " --not-run {params.not_run:q}"
        " --csv {output.csv:q}"
        " --markdown {output.markdown:q}"
        " --log {log:q}"


rule compare_calculators:
    input:
        limits=expand("results/{scan}/limits.json", scan=scans.with_toys),
    output:
        csv=report(
            "results/toybased.csv",
            caption="../report/captions/compare_calculators.rst",
            category="Limits",
            labels={"result": "Limits from toys, and asymptotic", "format": "CSV"},
        ),
        markdown=report(
            "results/toybased.md",
            caption="../report/captions/compare_calculators.rst",
            category="Limits",
            labels={"result": "Limits from toys, and asymptotic", "format": "Markdown"},
        ),
    log:
        "logs/compare_calculators.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        code=code("compare_calculators.py"),
        results=FOLDER,
        outline=literal(OUTLINE),
    shell:
        "python {params.code:q}"
        " --outline {params.outline:q}"
        " --results {params.results:q}"
        " --csv {output.csv:q}"
        " --markdown {output.markdown:q}"
        " --log {log:q}"


rule compare_limits:
    input:
        limits="results/limits.csv",
    output:
        png=report(
            "results/plots/limits.png",
            caption="../report/captions/compare_limits.rst",
            category="Limits",
            labels={"result": "All limits", "format": "picture"},
        ),
        pdf="results/plots/limits.pdf",
    log:
        "logs/plots/limits.log",
    localrule: True
    conda:
        "../envs/plots.yaml"
    params:
        code=code("compare_limits.py"),
    shell:
        "python {params.code:q}" " --limits {input.limits:q}" " --output {output.png:q}" " --log {log:q}"


rule report:
    """Write all results on one page, with explanations."""
    input:
        results=[name for name in RESULTS if name != result_files.REPORT],
    output:
        result_files.REPORT,
    log:
        "logs/report.log",
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        code=code("report.py"),
        results=FOLDER,
        template=digest_of(result_files.REPORT_PARTS) if FIRST else "",
        config=literal(json.dumps(config)),
        problems=literal(usable.problems),
    shell:
        "python {params.code:q}"
        " --config {params.config:q}"
        " --problems {params.problems:q}"
        " --results {params.results:q}"
        " --output {output:q}"
        " --log {log:q}"


rule verdict:
    """Fail if a limit is missing because something failed, after everything else is done."""
    input:
        limits="results/limits.csv",
    output:
        touch(result_files.VERDICT),
    log:
        "logs/verdict.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        code=code("verdict.py"),
        problems=literal(usable.without_row),
    shell:
        "python {params.code:q}" " --limits {input.limits:q}" " --problems {params.problems:q}" " --log {log:q}"


use rule report as manifest with:
    input:
        results=RESULTS,
    output:
        result_files.MANIFEST,
    log:
        "logs/manifest.log",
    localrule: True
    conda:
        "../envs/muscan.yaml"  # for the versions of all packages
    params:
        code=code("manifest.py"),
