# All that does not depend on the tested mu, once per signal.
#
# Needs: model.npz, and what was found when histograms were read. Makes: fit.json.


rule fit:
    input:
        unpack(fit_inputs),
        code=code("fit.py"),
        model="results/{analysis}/{signal}/model.npz",
    output:
        "results/{analysis}/{signal}/fit.json",
    log:
        "logs/{analysis}/{signal}/fit.log",
    benchmark:
        "benchmarks/{analysis}/{signal}/fit.tsv"
    conda:
        "../envs/muscan.yaml"
    params:
        test_statistic=setting("test_statistic"),
        bound=bound_options,
        engine=engine_options,
    shell:
        "python {input.code[0]:q}"
        " --model {input.model:q}"
        " {params.engine:q}"
        " --test-statistic {params.test_statistic:q}"
        " {params.bound:q}"
        " --output {output:q}"
        " --log {log:q}"
