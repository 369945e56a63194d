# All steps of several signals in one job, where a configuration asks for it with signals_per_job.
#
# Needs: histograms.csv, or the files of a `workspace` data set. Makes: what workspaces.smk, fits.smk and scan.smk make, with the same content;
# a rule without wildcards is preferred to theirs.


for pack in PACKS:

    rule:
        name:
            pack
        input:
            unpack(literally(pack_inputs(pack))),
            code=code("scan_signals.py"),
        output:
            pack_outputs(pack),
        log:
            f"logs/{PACKS[pack][0]}/{pack}.log",
        benchmark:
            f"benchmarks/{PACKS[pack][0]}/{pack}.tsv"
        conda:
            "../envs/muscan.yaml"
        params:
            options=literally(pack_options(pack)),
        shell:
            "python {input.code[0]:q}" " {params.options:q}" " --log {log:q}"
