"""A K8sGPT engine, and a custom analyzer, that does what a script says: gRPC by grpcio, a stack that shares nothing with the operator's.

    engine.py SCRIPT [LOG]

SCRIPT is a file of JSON, read anew for each call: {"Analyze": BEHAVIOUR, …} by names of methods; one that is left out is UNIMPLEMENTED.
A BEHAVIOUR is an object of
    answer     the answer, in protobuf's JSON form
    results    Analyze: so many results beside, of `text_bytes` each
    by_filter  Analyze: results beside, of each filter that is asked for: {"Pod": [RESULT], …}
    status, message   end with this status ("UNAVAILABLE") instead
    ai_status, message   Analyze: the same where explanations are asked for
    refuses, status   Analyze: end with this status only where one of these filters is asked for
    delay_ms   wait first
    hang       never answer
    die        end the process at once
    gzip       compress the answer
Under the name "metrics" it says what GET /metrics gives, by HTTP on another port; left out, nothing is there:
    text       the page
    latin      more of it, which is not UTF-8
    objects    so many series of analyzer_errors beside
    status     another one than 200
    hang       never answer
    trickle    send it byte by byte
It ends with SIGTERM. Each call is a line of JSON in LOG: {"method", "request", "timeout_s", "metadata"}. The first line of output is the port,
the second "metrics" and that of the page.
"""

import json
import os
import pathlib
import signal
import sys
import threading
import time
from concurrent import futures
from http import server as http

import grpc
from google.protobuf import json_format

PROTO = pathlib.Path(__file__).resolve().parents[2] / "src" / "grpc" / "proto"
sys.path.insert(0, str(PROTO))
protos, _ = grpc.protos_and_services("k8sgpt.proto")

script_path = sys.argv[1]
log_path = sys.argv[2] if len(sys.argv) > 2 else os.devnull
log_lock = threading.Lock()


def behaviour_of(method):
    with open(script_path, encoding="utf-8") as file:
        return json.load(file).get(method)


def log_call(method, request, context):
    line = {
        "method": method,
        "request": json_format.MessageToDict(request, preserving_proto_field_name=True),
        "timeout_s": context.time_remaining(),
        "metadata": {key: str(value) for key, value in context.invocation_metadata()},
    }
    with log_lock, open(log_path, "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def add_results(answer, count, text_bytes):
    for i in range(count):
        result = answer.results.add(kind="Pod", name=f"namespace-{i % 100}/pod-{i}")
        error = result.error.add(text=(f"container c{i} of pod-{i}: " + "back-off restarting failed container " * (text_bytes // 34 + 1))[:text_bytes])
        error.sensitive.add(unmasked=f"pod-{i}", masked=f"X{i:08d}")
    answer.status = "ProblemDetected"
    answer.problems += count


def add_by_filter(answer, by_filter, request):
    for name in request.filters:
        for result in by_filter.get(name, []):
            json_format.ParseDict(result, answer.results.add())


def serve_one(method, answer_type, request, context):
    log_call(method, request, context)
    behaviour = behaviour_of(method)
    if behaviour is None:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"unknown method {method}")
    if behaviour.get("die"):
        os._exit(0)
    while behaviour.get("hang") and context.is_active():
        time.sleep(0.05)
    time.sleep(behaviour.get("delay_ms", 0) / 1000)
    if behaviour.get("ai_status") and request.explain:
        context.abort(grpc.StatusCode[behaviour["ai_status"]], behaviour.get("message", ""))
    is_refused = not behaviour.get("refuses") or set(behaviour["refuses"]) & set(request.filters)
    if behaviour.get("status") and is_refused:
        context.abort(grpc.StatusCode[behaviour["status"]], behaviour.get("message", ""))
    if behaviour.get("gzip"):
        context.set_compression(grpc.Compression.Gzip)
    answer = json_format.ParseDict(behaviour.get("answer", {}), answer_type())
    if behaviour.get("results"):
        add_results(answer, behaviour["results"], behaviour.get("text_bytes", 100))
    if behaviour.get("by_filter"):
        add_by_filter(answer, behaviour["by_filter"], request)
    return answer


def handler_of(method):
    request_type = getattr(protos, method.input_type.name)
    answer_type = getattr(protos, method.output_type.name)
    return grpc.unary_unary_rpc_method_handler(
        lambda request, context: serve_one(method.name, answer_type, request, context),
        request_deserializer=request_type.FromString,
        response_serializer=answer_type.SerializeToString,
    )


def page_of(behaviour):
    lines = [
        f'analyzer_errors{{analyzer_name="Pod",namespace="shop",object_name="pod-{i}"}} {i % 3 + 1}' for i in range(behaviour.get("objects", 0))
    ]
    text = "".join(line + "\n" for line in lines) + behaviour.get("text", "")
    return text.encode() + behaviour.get("latin", "").encode("latin-1")


class Metrics(http.BaseHTTPRequestHandler):
    def do_GET(self):
        behaviour = behaviour_of("metrics")
        while behaviour and behaviour.get("hang"):
            time.sleep(0.05)
            behaviour = behaviour_of("metrics")
        found = behaviour is not None and self.path == "/metrics"
        self.send_response(behaviour.get("status", 200) if found else 404)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.end_headers()
        body = page_of(behaviour) if found else b""
        if found and behaviour.get("trickle"):
            for i in range(len(body)):
                self.wfile.write(body[i : i + 1])
                time.sleep(0.05)
        else:
            self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


def serve_metrics():
    server = http.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("METRICS_PORT", "0"))), Metrics)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def main():
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=16),
        options=[("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)],
    )
    for service in protos.DESCRIPTOR.services_by_name.values():
        handlers = {method.name: handler_of(method) for method in service.methods}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service.full_name, handlers),))
    port = server.add_insecure_port(f"127.0.0.1:{os.environ.get('PORT', '0')}")
    server.start()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))
    print(port, flush=True)
    print("metrics", serve_metrics(), flush=True)
    while True:
        signal.pause()


main()
