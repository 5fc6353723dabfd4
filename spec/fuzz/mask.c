/* Masking: names are hidden and put back by lua/k8sgpt/mask.lua, whatever the text is; run from the root of the repository. */
#include "fuzz.h"

#include "script/bundle.h"
#include "script/call.h"

/* The input is lines: the first is the text, the others are names. Values that JSON cannot hold do not reach a policy. */
static const char POLICY[] =
    "local mask = require 'k8sgpt.mask'\n"
    "local key = mask.key('cluster', 'uid')\n"
    "local function request(ctx, lines)\n"
    "  local text, names = lines[1], {}\n"
    "  for i = 2, #lines do names[#names + 1] = lines[i] end\n"
    "  local found = mask.sensitive(text, table.unpack(names))\n"
    "  local masked, pairs = mask.apply(text, found, key)\n"
    "  for _, pair in ipairs(pairs) do\n" /* only who has the key can write a mask, or the fuzzer, which sees it compared */
    "    if text:find(pair.masked, 1, true) then return {} end\n"
    "  end\n"
    "  if mask.restore(masked, pairs) ~= text then error('not restored: ' .. masked) end\n"
    "  if mask.hide(text, pairs) ~= masked then error('hidden otherwise: ' .. masked) end\n"
    "  for _, name in ipairs(found) do\n"
    "    if text == name and masked ~= mask.of(name, key) then error('not masked: ' .. name) end\n"
    "  end\n"
    "  return { masked = masked, pairs = pairs }\n"
    "end\n"
    "return { api = 1, kind = 'sink', name = 'T', description = 'masks', request = request }\n";

enum { FUEL = 200000 };

static const struct bundle *bundle; /* of the policy, which lives as long */
static const struct policy *policy;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    char path[PATH_MAX], dir[PATH_MAX];
    struct err err = {0};
    struct bundle_problems problems;
    fuzz_write("builtin/sinks/T/policy.lua", str_of(POLICY), path);
    snprintf(dir, sizeof dir, "%s/builtin", fuzz_folder());
    const struct bundle_source source = {dir, LAYER_BUILTIN};
    struct bundle_options options = {.lua_dir = "lua", .sources = &source, .source_count = 1};
    bundle = bundle_load(&options, &problems, &err);
    FUZZ_CHECK(bundle, "%s", err.msg);
    policy = bundle_find(bundle, POLICY_SINK, STR("T"));
    return 0;
}

static struct doc *lines_of(struct str text) {
    struct doc_builder *b = doc_builder_new();
    struct str line;
    struct err err = {0};
    doc_begin_array(b);
    do {
        struct buf json = buf_new(FUZZ_MAX_TEXT);
        str_cut(text, '\n', &line, &text);
        FUZZ_CHECK(!json_write_str(line, JSON_COMPACT, &json, &err), "%s", err.msg);
        struct doc *value = fuzz_json(json.data);
        doc_put_value(b, doc_root(value));
        doc_unref(value);
        buf_free(&json);
    } while (text.n);
    doc_end_array(b);
    struct doc *doc = doc_builder_finish(b, &err);
    doc_builder_free(b);
    FUZZ_CHECK(doc, "%s", err.msg);
    return doc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct doc *lines = lines_of(fuzz_input(data, size));
    struct script_call call = {.policy = policy, .function = "request", .args = {{lines, NULL}}, .arg_count = 1, .fuel = FUEL};
    struct script_outcome out;
    script_run(&call, &out);
    FUZZ_CHECK(out.result == SCRIPT_OK || out.result == SCRIPT_FUEL, "%s", out.err.msg);
    doc_unref(out.values);
    doc_unref(lines);
    return 0;
}
