#include "http.h"

#include <strings.h>

size_t http_head_len(struct str bytes) {
    const char *end = memmem(bytes.p, bytes.n, "\r\n\r\n", 4);
    return end ? (size_t)(end - bytes.p) + 4 : 0;
}

static struct str trim(struct str s) {
    while (s.n && (*s.p == ' ' || *s.p == '\t')) s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' || s.p[s.n - 1] == '\r')) s.n--;
    return s;
}

bool http_start(struct str head, struct str words[3]) {
    struct str line, rest;
    if (!str_cut(head, '\n', &line, &rest)) return false;
    bool two = str_cut(line, ' ', &words[0], &rest);
    (void)str_cut(trim(rest), ' ', &words[1], &words[2]);
    return two && words[1].n > 0;
}

bool http_field_is(struct str line, const char *name) {
    size_t n = strlen(name);
    return line.n > n && line.p[n] == ':' && strncasecmp(line.p, name, n) == 0;
}

struct str http_field(struct str head, const char *name) {
    struct str line;
    while (str_cut(head, '\n', &line, &head)) {
        if (http_field_is(line, name)) return trim((struct str){line.p + strlen(name) + 1, line.n - strlen(name) - 1});
    }
    return (struct str){0};
}

static bool has_no_body(struct str status) {
    return status.n == 3 && (status.p[0] == '1' || str_is(status, "204") || str_is(status, "304"));
}

void http_body_begin(struct http_body *body, struct str head, bool of_request) {
    struct str coding = http_field(head, "Transfer-Encoding"), length = http_field(head, "Content-Length"), words[3] = {0};
    int64_t bytes = 0;
    *body = (struct http_body){.broken = !http_start(head, words)};
    if (of_request ? !coding.n && !length.n : has_no_body(words[1]))
        body->whole = true;
    else if (coding.n >= 7 && strncasecmp(coding.p + coding.n - 7, "chunked", 7) == 0)
        body->framing = BODY_CHUNKED;
    else if (length.n) {
        body->broken = body->broken || !str_to_int(length, &bytes) || bytes < 0;
        body->left = (uint64_t)bytes;
        body->whole = bytes == 0;
    } else
        body->framing = BODY_UNTIL_END;
}

static int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void size_ends(struct http_body *b) { b->part = b->left ? CHUNK_DATA : CHUNK_TRAILER; }

static void take_size(struct http_body *b, char c) {
    int value = digit(c);
    if (value >= 0 && b->left >> 56 == 0)
        b->left = b->left << 4 | (unsigned)value;
    else if (c == '\n')
        size_ends(b);
    else if (c == '\r' || c == ';' || c == ' ')
        b->part = CHUNK_REST_OF_SIZE;
    else
        b->broken = true;
}

static void take_trailer(struct http_body *b, char c) {
    if (c == '\n' && b->line_len == 0)
        b->whole = true;
    else if (c == '\n')
        b->line_len = 0;
    else if (c != '\r')
        b->line_len++;
}

/* One byte of what is around the content of chunks. */
static void take_frame(struct http_body *b, char c) {
    if (b->part == CHUNK_SIZE)
        take_size(b, c);
    else if (b->part == CHUNK_TRAILER)
        take_trailer(b, c);
    else if (c == '\n' && b->part == CHUNK_REST_OF_SIZE)
        size_ends(b);
    else if (c == '\n')
        b->part = CHUNK_SIZE;
}

static size_t take_content(struct http_body *b, struct str bytes, struct str *content) {
    size_t n = b->framing == BODY_UNTIL_END || bytes.n < b->left ? bytes.n : (size_t)b->left;
    *content = (struct str){bytes.p, n};
    if (b->framing == BODY_UNTIL_END) return n;
    b->left -= n;
    if (b->left == 0 && b->framing == BODY_LENGTH) b->whole = true;
    if (b->left == 0) b->part = CHUNK_DATA_END;
    return n;
}

size_t http_body_take(struct http_body *body, struct str bytes, struct str *content) {
    *content = (struct str){0};
    if (body->whole || body->broken || !bytes.n) return 0;
    if (body->framing != BODY_CHUNKED || body->part == CHUNK_DATA) return take_content(body, bytes, content);
    take_frame(body, *bytes.p);
    return 1;
}
