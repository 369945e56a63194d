# All steps of several signals in one job, where a configuration asks for it with signals_per_job.
#
# Needs: histograms.csv, or the files of a `workspace` data set. Makes: the same files as workspaces.smk, fits.smk and
# scan.smk and measurements.smk, with the same
# content. Snakemake prefers these rules, because they have no wildcards.


for pack in packs:

    rule:
        name:
            pack.name
        input:
            histograms=pack.value(workspaces.histograms),
            findings=pack.value(workspaces.findings),
            workspace=usage.named(pack.value(workspaces.published("workspace"))),
            checked=pack.value(workspaces.checked),
            patchset=usage.named(pack.value(workspaces.published("patchset"))),
            patches=usage.named(pack.values(workspaces.existing_patch)),
        output:
            pack.outputs(scans),
        log:
            f"logs/{pack.analysis}/{pack.name}.log",
        conda:
            "../envs/fits.yaml"
        params:
            code=code("scan_signals.py"),
            results=FOLDER,
            analysis=pack.analysis,
            signals=literal(pack.signals),
            patches=pack.values(workspaces.published("patch")),  # also those that do not exist
            model=pack.value(workspaces.model_spec),
            measurement=pack.value(workspaces.measurement),
            max_megabytes=pack.value(workspaces.max_megabytes),
            blind=pack.value(scans.setting("blind")),
            normsys=pack.value(scans.interpolation("normsys")),
            histosys=pack.value(scans.interpolation("histosys")),
            engine=pack.value(scans.setting("engine")),
            test_statistic=pack.value(scans.setting("test_statistic")),
            confidence_level=pack.value(scans.setting("confidence_level")),
            poi_bound=pack.value(scans.poi_bound),
            mu=pack.value(scans.setting("mu")),
            tests=pack.value(scans.uses("asymptotics")),
            check_asymptotics=pack.value(scans.setting("check_asymptotics")),
            toybased=pack.value(scans.uses("toybased")),
            seed=pack.value(toys.setting("seed")),
            measurements=pack.value(scans.measurements),
        shell:
            "python {params.code:q}"
            " --histograms {input.histograms:q}"
            " --findings {input.findings:q}"
            " --workspace={input.workspace:q}"
            " --checked {input.checked:q}"
            " --patchset={input.patchset:q}"
            " --patches {params.patches:q}"
            " --model {params.model:q}"
            " --measurement={params.measurement:q}"
            " --max-megabytes {params.max_megabytes}"
            " --blind {params.blind}"
            " --normsys {params.normsys}"
            " --histosys {params.histosys}"
            " --engine {params.engine}"
            " --test-statistic {params.test_statistic}"
            " --confidence-level {params.confidence_level}"
            " --poi-bound {params.poi_bound}"
            " --mu {params.mu}"
            " --tests {params.tests}"
            " --calculator asymptotics"
            " --check-asymptotics {params.check_asymptotics}"
            " --toybased {params.toybased}"
            " --seed {params.seed}"
            " --measurements {params.measurements:q}"
            " --folder {params.results:q}/{params.analysis:q}"
            " --signals {params.signals:q}"
            " --log {log:q}"
