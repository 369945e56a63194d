from snakemake.utils import min_version

min_version("9.0")


# `--configfile mine.yaml` replaces the default configuration; Snakemake would merge the two.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"


# Rules that take seconds for any model. On a cluster they run where Snakemake runs.
localrules:
    simulate,
    read_histograms,
    check_published,
    build_workspace,
    patch_workspace,
    compile_model,
    plan_toys,
    plot,
    plot_folder,
    tables,
    compare_calculators,
    compare_limits,
    grid_points,
    plot_contour,
    plot_mass_limits,
    hepdata,
    report,
    verdict,
    manifest,


rule all:
    input:
        result_files.MANIFEST,
        result_files.VERDICT,


include: "rules/datasets.smk"
include: "rules/workspaces.smk"
include: "rules/fits.smk"
include: "rules/scan.smk"
include: "rules/packs.smk"
include: "rules/toys.smk"
include: "rules/plots.smk"
include: "rules/grids.smk"


if workflow.output_settings.benchmark_extended:
    write_benchmarks(workflow.modifier.rules)


onstart:
    files.remove_leftovers()


onsuccess:
    end.show_limits(workflow.dag, grids.names)


onerror:
    end.show_how_to_continue(workflow.dag, RESULTS)
    end.show_limits(workflow.dag, grids.names)
