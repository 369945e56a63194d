"""The statistics of muscan: plain functions on arrays and small records, without file names or configuration.

compile            from a workspace to a model
parameters         defaults and settings of the parameters of a workspace
model              a HistFactory model as plain arrays, and its file
layout             the same arrays as the batched likelihood needs them
interpolation      between the templates at alpha = -1, 0 and +1
likelihood         -2 log L as a deviance, with gradient and Hessian, for many fits at a time
newton_step        the step of many fits
linear_response    where fits begin
minima             what fits find
minimize           bounded minimisation of many fits
fits               from which points to start, both sides of a valley, rescue
minuit             Minuit on the same likelihood: the rescue
engines            newton or pyhf
hypotest           hypothesis tests
test_statistics    qtilde, q, q0
toys               pseudo-data in blocks, and their test statistics
tail_counts        how many toys are in the tails that make CLs, and their bootstrap
toy_limits         from these counts to upper limits, with their errors
local_curve        tail probabilities as smooth functions of log mu near a crossing
probit             regression of these probabilities
allocation         how many toys the limits need, and where
pilot              how far in mu toys are needed
calculators        p-values and CLs from a test statistic
uncertainties      at a minimum: the curvature, and the interval of the POI
goodness_of_fit    the saturated model
yields             expected events and their uncertainties before and after a fit
intervals          from CLs(mu) to upper limits
"""
