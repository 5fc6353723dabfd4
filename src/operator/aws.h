/*
 * aws: who we are to AWS, and requests to its APIs that only read.
 *
 * Credentials are looked for where the SDKs look in a pod, and nowhere else: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; a role of the
 * account by a web identity (IRSA: AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE); EKS Pod Identity (AWS_CONTAINER_CREDENTIALS_FULL_URI). What
 * expires is fetched anew five minutes before. The region is AWS_REGION; AWS_ENDPOINT_URL stands for all endpoints. Used by ask_aws.c.
 */
#ifndef OPERATOR_AWS_H
#define OPERATOR_AWS_H

#include "net/http_client.h"

struct aws;
struct aws_call; /* a request under way */

/* Reads the environment. NULL without memory. */
struct aws *aws_new(struct http_client *http);
void aws_free(struct aws *aws);

/* NULL: it can be asked; else what is missing, for people. */
const char *aws_lacks(const struct aws *aws);

/*
 * GET https://SERVICE.REGION.amazonaws.com/PATH, signed. `done` is called once, never from within: with the body of a 2xx answer, or an
 * error: ERR_FORBIDDEN and the like as answered, with the message of AWS. NULL with *err when it cannot be started.
 */
struct aws_call *aws_get(struct aws *aws, struct str service, struct str path, int64_t timeout_ms,
                         void (*done)(struct str body, const struct err *err, void *arg), void *arg, struct err *err) ERR_MUST_CHECK;

/* Gives it up; `done` is not called any more. */
void aws_drop(struct aws_call *call);

#endif
