#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/gunzip.h"
#include "script/convert.h"
#include "script/lib.h"

/* The functions of the module k8sgpt that read what objects carry as bytes; the contract is in lua/k8sgpt/meta.lua. */

static struct str bytes_at(lua_State *L, int index) {
    struct str s;
    s.p = luaL_checklstring(L, index, &s.n);
    fuel_charge_bytes(L, s.n * 4);
    return s;
}

static int nil_and(lua_State *L, const char *message) {
    lua_pushnil(L);
    lua_pushstring(L, message);
    return 2;
}

/* ---- gunzip --------------------------------------------------------------------------------------------------------------------- */

static int k8sgpt_gunzip(lua_State *L) {
    struct str in = bytes_at(L, 1);
    struct buf *text = &vm_of(L)->text; /* the state's own, so that an error loses nothing */
    buf_clear(text);
    struct err err;
    int rc = gunzip(in, text, &err);
    if (rc) return nil_and(L, rc == ERR_LIMIT ? "it is larger than 1 MiB" : err.msg);
    fuel_charge_bytes(L, text->len * 4);
    lua_pushlstring(L, text->data ? text->data : "", text->len);
    return 1;
}

/* ---- certificates --------------------------------------------------------------------------------------------------------------- */

static void put_time(struct doc_builder *b, const char *name, const ASN1_TIME *at) {
    struct tm tm = {0};
    char text[CLOCK_TEXT_LEN];
    if (ASN1_TIME_to_tm(at, &tm)) doc_pair_str(b, name, str_of(clock_format_s((int64_t)timegm(&tm) * 1000, text)));
}

static void put_names(struct doc_builder *b, const X509 *x) {
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    doc_key(b, STR("names"));
    doc_begin_array(b);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS) continue;
        doc_put_str(b, (struct str){(const char *)ASN1_STRING_get0_data(name->d.dNSName), (size_t)ASN1_STRING_length(name->d.dNSName)});
    }
    doc_end_array(b);
    GENERAL_NAMES_free(names);
}

/* By RFC 9525 the subject's common name counts for nothing. */
static void put_strangers(struct doc_builder *b, X509 *x, const struct str *hosts, size_t count) {
    doc_key(b, STR("strangers"));
    doc_begin_array(b);
    for (size_t i = 0; i < count; i++)
        if (X509_check_host(x, hosts[i].p, hosts[i].n, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) != 1) doc_put_str(b, hosts[i]);
    doc_end_array(b);
}

/* Feeds the first certificate of the PEM text; false where there is none. Raises nothing, as it holds what OpenSSL allocated. */
static bool put_certificate(struct doc_builder *b, struct str pem, const struct str *hosts, size_t count) {
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    if (x) {
        doc_begin_object(b);
        put_time(b, "notBefore", X509_get0_notBefore(x));
        put_time(b, "notAfter", X509_get0_notAfter(x));
        put_names(b, x);
        put_strangers(b, x, hosts, count);
        doc_end_object(b);
    }
    X509_free(x);
    BIO_free(bio);
    ERR_clear_error();
    return x;
}

/* The strings of the list at the index, which stay in it. */
static struct str *read_hosts(lua_State *L, int index, size_t *count) {
    *count = lua_isnoneornil(L, index) ? 0 : (luaL_checktype(L, index, LUA_TTABLE), lua_rawlen(L, index));
    struct str *hosts = lua_newuserdatauv(L, (*count + 1) * sizeof *hosts, 0);
    for (size_t i = 0; i < *count; i++) {
        if (lua_rawgeti(L, index, (lua_Integer)i + 1) != LUA_TSTRING) vm_raise(L, "certificate wants a list of host names");
        hosts[i] = bytes_at(L, -1);
        lua_pop(L, 1);
    }
    return hosts;
}

static int k8sgpt_certificate(lua_State *L) {
    struct str pem = bytes_at(L, 1);
    size_t count;
    struct str *hosts = read_hosts(L, 2, &count);
    fuel_charge(L, 1000 + 100 * (int64_t)count); /* what it takes to parse one */
    if (!put_certificate(convert_begin(L), pem, hosts, count)) return nil_and(L, "it holds no certificate in PEM");
    convert_push_doc(L, convert_finish(L));
    return 1;
}

void lib_decode_open(lua_State *L) {
    static const luaL_Reg functions[] = {{"gunzip", k8sgpt_gunzip}, {"certificate", k8sgpt_certificate}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
