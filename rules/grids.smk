# Signal points in a plane of masses: limits on cross sections, exclusion contours, tables for HEPData.
#
# Needs: limits.json of all signals of the analyses of a grid, and discovery.json if all of them ask for p0. Makes:
# points.csv and points.md, pictures, hepdata/.


rule grid_points:
    input:
        limits=grids.limits,
        discoveries=grids.discoveries,
        cross_sections=usage.named(grids.cross_sections),
    output:
        csv=report(
            "results/grids/{grid}/points.csv",
            caption="../report/captions/grid_points.rst",
            category="Grid {grid}",
            labels={"result": "Signal points", "format": "CSV"},
        ),
        markdown=report(
            "results/grids/{grid}/points.md",
            caption="../report/captions/grid_points.rst",
            category="Grid {grid}",
            labels={"result": "Signal points", "format": "Markdown"},
        ),
    log:
        "logs/grids/{grid}/points.log",
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        code=code("grid_points.py"),
        results=FOLDER,
        outline=literal(OUTLINE),
    shell:
        "python {params.code:q}"
        " --outline {params.outline:q}"
        " --results {params.results:q}"
        " --grid {wildcards.grid:q}"
        " --csv {output.csv:q}"
        " --markdown {output.markdown:q}"
        " --log {log:q}"


rule plot_contour:
    input:
        points="results/grids/{grid}/points.csv",
    output:
        png=report(
            "results/grids/{grid}/plots/exclusion.png",
            caption="../report/captions/plot_contour.rst",
            category="Grid {grid}",
            labels={"result": "Exclusion contour", "format": "picture"},
        ),
        pdf="results/grids/{grid}/plots/exclusion.pdf",
    log:
        "logs/grids/{grid}/exclusion.log",
    localrule: True
    conda:
        "../envs/plots.yaml"
    params:
        code=code("plot_contour.py"),
        x=grids.label("x"),
        y=grids.label("y"),
        x_label=grids.axis_title("x"),
        y_label=grids.axis_title("y"),
        diagonal=grids.setting("diagonal"),
        numbers=grids.setting("numbers"),
    shell:
        "python {params.code:q}"
        " --points {input.points:q}"
        " --x={params.x:q}"
        " --y={params.y:q}"
        " --x-label={params.x_label:q}"
        " --y-label={params.y_label:q}"
        " --diagonal={params.diagonal}"
        " --numbers {params.numbers}"
        " --title {wildcards.grid:q}"
        " --output {output.png:q}"
        " --log {log:q}"


rule plot_mass_limits:
    input:
        points="results/grids/{grid}/points.csv",
    output:
        report(
            directory("results/grids/{grid}/plots/limits"),
            patterns=["{part}.png"],
            caption="../report/captions/plot_mass_limits.rst",
            category="Grid {grid}",
            labels={"result": "Limits against a mass", "format": "picture", "part": "{part}"},
        ),
    log:
        "logs/grids/{grid}/limits.log",
    localrule: True
    conda:
        "../envs/plots.yaml"
    params:
        code=code("plot_mass_limits.py"),
        x=grids.label("x"),
        x_label=grids.axis_title("x"),
    shell:
        "python {params.code:q}"
        " --points {input.points:q}"
        " --x={params.x:q}"
        " --x-label={params.x_label:q}"
        " --title {wildcards.grid:q}"
        " --output {output:q}"
        " --log {log:q}"


rule plot_significance:
    input:
        points="results/grids/{grid}/points.csv",
    output:
        png=report(
            "results/grids/{grid}/plots/significance.png",
            caption="../report/captions/plot_significance.rst",
            category="Grid {grid}",
            labels={"result": "Significance of an excess", "format": "picture"},
        ),
        pdf="results/grids/{grid}/plots/significance.pdf",
    log:
        "logs/grids/{grid}/significance.log",
    localrule: True
    conda:
        "../envs/plots.yaml"
    params:
        code=code("plot_significance.py"),
        x=grids.label("x"),
        y=grids.label("y"),
        x_label=grids.axis_title("x"),
        y_label=grids.axis_title("y"),
        diagonal=grids.setting("diagonal"),
        numbers=grids.setting("numbers"),
    shell:
        "python {params.code:q}"
        " --points {input.points:q}"
        " --x={params.x:q}"
        " --y={params.y:q}"
        " --x-label={params.x_label:q}"
        " --y-label={params.y_label:q}"
        " --diagonal={params.diagonal}"
        " --numbers {params.numbers}"
        " --title {wildcards.grid:q}"
        " --output {output.png:q}"
        " --log {log:q}"


rule plot_p0:
    input:
        points="results/grids/{grid}/points.csv",
    output:
        report(
            directory("results/grids/{grid}/plots/p0"),
            patterns=["{part}.png"],
            caption="../report/captions/plot_p0.rst",
            category="Grid {grid}",
            labels={"result": "p0 against a mass", "format": "picture", "part": "{part}"},
        ),
    log:
        "logs/grids/{grid}/p0.log",
    localrule: True
    conda:
        "../envs/plots.yaml"
    params:
        code=code("plot_p0.py"),
        x=grids.label("x"),
        x_label=grids.axis_title("x"),
    shell:
        "python {params.code:q}"
        " --points {input.points:q}"
        " --x={params.x:q}"
        " --x-label={params.x_label:q}"
        " --title {wildcards.grid:q}"
        " --output {output:q}"
        " --log {log:q}"


rule hepdata:
    input:
        points="results/grids/{grid}/points.csv",
    output:
        # A file, because Snakemake leaves one of its own in an output that is a folder, and HEPData refuses that.
        "results/grids/{grid}/hepdata/submission.yaml",
    log:
        "logs/grids/{grid}/hepdata.log",
    localrule: True
    conda:
        "../envs/hepdata.yaml"
    params:
        code=code("hepdata.py"),
        x=grids.label("x"),
        y=grids.label("y"),
        units=grids.units,
        folder=lambda wildcards, output: os.path.dirname(output[0]),
    shell:
        "python {params.code:q}"
        " --points {input.points:q}"
        " --x={params.x:q}"
        " --y={params.y:q}"
        " --units {params.units:q}"
        " --grid {wildcards.grid:q}"
        " --output {params.folder:q}"
        " --log {log:q}"
