# All steps of several signals in one job, where a configuration asks for it with signals_per_job.
#
# Needs: histograms.csv, or the files of a `workspace` data set. Makes: what workspaces.smk, fits.smk and scan.smk make,
# with the same content; a rule without wildcards is preferred to theirs.


for pack in packs:

    rule:
        name:
            pack.name
        input:
            code=code("scan_signals.py"),
            histograms=pack.answer(workspaces.histograms),
            findings=pack.answer(workspaces.findings),
            workspace=pack.answer(workspaces.published("workspace")),
            checked=pack.answer(workspaces.checked),
            patchset=pack.answer(workspaces.published("patchset")),
            patches=pack.each(workspaces.existing_patch),
        output:
            pack.outputs(scans),
        log:
            f"logs/{pack.analysis}/{pack.name}.log",
        benchmark:
            f"benchmarks/{pack.analysis}/{pack.name}.tsv"
        conda:
            "../envs/muscan.yaml"
        params:
            analysis=pack.analysis,
            signals=literally(pack.signals),
            patches=pack.each(workspaces.published("patch")),  # also those that do not exist
            model=pack.answer(workspaces.model),
            measurement=pack.answer(workspaces.measurement),
            max_megabytes=pack.answer(workspaces.max_megabytes),
            blind=pack.answer(scans.setting("blind")),
            normsys=pack.answer(scans.interpolation("normsys")),
            histosys=pack.answer(scans.interpolation("histosys")),
            engine=pack.answer(scans.setting("engine")),
            test_statistic=pack.answer(scans.setting("test_statistic")),
            confidence_level=pack.answer(scans.setting("confidence_level")),
            poi_bound=pack.answer(scans.poi_bound),
            mu=pack.answer(scans.mu),
            tests=pack.answer(scans.has("asymptotics")),
            check_asymptotics=pack.answer(scans.check_asymptotics),
            toybased=pack.answer(scans.has("toybased")),
            seed=pack.answer(toys.setting("seed")),
        shell:
            "python {input.code[0]:q}"
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
            " --folder results/{params.analysis}"
            " --signals {params.signals:q}"
            " --log {log:q}"
