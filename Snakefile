from snakemake.utils import min_version

min_version("9.0")

# A folder, or a place in a git repository; there Snakemake does not find files by names relative to the uppermost folder.
here = workflow.current_basedir


# `--configfile mine.yaml` replaces the default configuration; Snakemake would merge the two.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: here.join("rules/common.smk")


# The image in which jobs run with `--sdm apptainer`; none is published: docs/howto/environments.md.
container: os.environ.get("MUSCAN_IMAGE")


rule all:
    input:
        result_files.MANIFEST,
        result_files.VERDICT,


include: here.join("rules/datasets.smk")
include: here.join("rules/workspaces.smk")
include: here.join("rules/fits.smk")
include: here.join("rules/scan.smk")
include: here.join("rules/measurements.smk")
include: here.join("rules/packs.smk")
include: here.join("rules/toys.smk")
include: here.join("rules/plots.smk")
include: here.join("rules/grids.smk")


if workflow.output_settings.benchmark_extended:
    write_benchmarks(workflow.modifier.rules)


onstart:
    files.remove_leftovers(usage.results)


onsuccess:
    end.show_limits(workflow.dag, grids.names, results=usage.results)


onerror:
    end.show_how_to_continue(workflow.dag, RESULTS)
    end.show_limits(workflow.dag, grids.names, results=usage.results)
