--- Validating webhooks that the API server cannot reach.

local webhook = require "k8sgpt.webhook"

return {
  api = 1, kind = "analyzer", name = "ValidatingWebhookConfiguration",
  description = "Validating webhooks that the API server cannot reach",
  watches = { "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration", table.unpack(webhook.WATCHES) },
  fields = webhook.FIELDS,
  rules = webhook.RULES,
  run = function(ctx, configuration) return webhook.check(ctx, configuration, "Validating") end,
}
