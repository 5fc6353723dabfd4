#include "grpc/message.h"
#include "grpc/proto/k8sgpt.pb-c.h"

static const struct grpc_method METHODS[] = {
    {"/schema.v1.ServerAnalyzerService/Analyze", "Analyze", &schema__v1__analyze_request__descriptor,
     &schema__v1__analyze_response__descriptor, "results"},
    {"/schema.v1.ServerConfigService/AddConfig", "AddConfig", &schema__v1__add_config_request__descriptor,
     &schema__v1__add_config_response__descriptor, NULL},
    {"/schema.v1.ServerConfigService/RemoveConfig", "RemoveConfig", &schema__v1__remove_config_request__descriptor,
     &schema__v1__remove_config_response__descriptor, NULL},
    {"/schema.v1.ServerConfigService/ListIntegrations", "ListIntegrations", &schema__v1__list_integrations_request__descriptor,
     &schema__v1__list_integrations_response__descriptor, NULL},
    {"/schema.v1.ServerQueryService/Query", "Query", &schema__v1__query_request__descriptor, &schema__v1__query_response__descriptor, NULL},
    {"/schema.v1.CustomAnalyzerService/Run", "Run", &schema__v1__run_request__descriptor, &schema__v1__run_response__descriptor, NULL},
};

const struct grpc_method *grpc_method(struct str name) {
    for (size_t i = 0; i < sizeof METHODS / sizeof *METHODS; i++)
        if (str_is(name, METHODS[i].name)) return &METHODS[i];
    return NULL;
}
