"""Peers that break gRPC's rules: one port for each way to do so, over HTTP/2 by hyper-h2 (or less).

    wire.py                 all of them, each on a port of its own
    wire.py FAULT PORT      this one alone, there

The first line of output is JSON: {"no_status": PORT, …}, see FAULTS.
"""

import json
import os
import signal
import socket
import struct
import sys
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions

OK = [(":status", "200"), ("content-type", "application/grpc")]
DONE = [("grpc-status", "0")]
EMPTY = struct.pack(">BI", 0, 0)  # the frame of an empty message


def frame(message, flag=0, length=None):
    return struct.pack(">BI", flag, len(message) if length is None else length) + message


def answer(body, headers=OK, trailers=DONE):
    def play(connection, stream, _sock):
        connection.send_headers(stream, headers)
        connection.send_data(stream, body, end_stream=trailers is None)
        if trailers is not None:
            connection.send_headers(stream, trailers, end_stream=True)

    return play


def headers_only(headers):
    return lambda connection, stream, _sock: connection.send_headers(stream, headers, end_stream=True)


def close_after(body):
    def play(connection, stream, sock):
        connection.send_headers(stream, OK)
        connection.send_data(stream, body)
        sock.sendall(connection.data_to_send())
        sock.shutdown(socket.SHUT_RDWR)

    return play


def reset_socket(_connection, _stream, sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def go_away(connection, _stream, sock):
    connection.close_connection(error_code=2)
    sock.sendall(connection.data_to_send())
    sock.shutdown(socket.SHUT_WR)


def too_much(connection, stream, sock):
    """As many bytes as the peer takes."""
    connection.send_headers(stream, OK)
    connection.send_data(stream, struct.pack(">BI", 0, 0x7FFFFFFF))
    connection.flooded = stream


FAULTS = {
    "good": answer(EMPTY),
    "no_status": answer(EMPTY, trailers=None),
    "no_message": headers_only(OK + DONE),
    "cut_prefix": answer(b"\0\0\0"),
    "cut_message": answer(frame(b"\x0a", length=100)),
    "two_messages": answer(EMPTY + EMPTY),
    "bad_flag": answer(frame(b"", flag=2)),
    "bad_message": answer(frame(b"\xff\xff\xff")),
    "bad_utf8": answer(frame(b"\x0a\x02\xc3\x28")),  # AddConfigResponse.status
    "bad_gzip": answer(frame(b"plain", flag=1), headers=OK + [("grpc-encoding", "gzip")]),
    "snappy": answer(frame(b"plain", flag=1), headers=OK + [("grpc-encoding", "snappy")]),
    "web_page": answer(b"<html>", headers=[(":status", "200"), ("content-type", "text/html")], trailers=None),
    "bad_gateway": answer(b"<html>", headers=[(":status", "502"), ("content-type", "text/html")], trailers=None),
    "not_found": answer(b"no", headers=[(":status", "404"), ("content-type", "text/plain")], trailers=None),
    "status_in_headers": headers_only(OK + [("grpc-status", "8"), ("grpc-message", "slow%20down%0A%E2%9C%93%zz")]),
    "odd_status": headers_only(OK + [("grpc-status", "99")]),
    "no_number": headers_only(OK + [("grpc-status", "zero")]),
    "long_status": headers_only(OK + [("grpc-status", "2"), ("grpc-message", "x" * 15000)]),
    "unavailable": answer(EMPTY, trailers=[("grpc-status", "14"), ("grpc-message", "shutting down")]),
    "closed": close_after(frame(b"\x0a", length=100)),
    "reset_stream": lambda connection, stream, _sock: connection.reset_stream(stream, error_code=2),
    "reset_socket": reset_socket,
    "goaway": go_away,
    "too_much": too_much,
    "silent": lambda _connection, _stream, _sock: None,
}


def flood(connection, sock):
    stream = getattr(connection, "flooded", None)
    while stream and connection.local_flow_control_window(stream) >= 16384:
        connection.send_data(stream, b"\0" * 16384)
        sock.sendall(connection.data_to_send())


def converse(sock, play):
    connection = h2.connection.H2Connection(config=h2.config.H2Configuration(client_side=False, validate_outbound_headers=False))
    connection.initiate_connection()
    sock.sendall(connection.data_to_send())
    while data := sock.recv(65536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.StreamEnded):
                play(connection, event.stream_id, sock)
        sock.sendall(connection.data_to_send())
        flood(connection, sock)


def serve(sock, play):
    def one(peer):
        try:
            converse(peer, play)
        except (OSError, h2.exceptions.ProtocolError):
            pass  # the operator, or the fault, ended it
        finally:
            peer.close()

    while True:
        threading.Thread(target=one, args=(sock.accept()[0],), daemon=True).start()


def main():
    ports = {}
    wanted, port = ([sys.argv[1]], int(sys.argv[2])) if len(sys.argv) > 2 else (FAULTS, 0)
    for name in wanted:
        play = FAULTS[name]
        sock = socket.create_server(("127.0.0.1", port))
        ports[name] = sock.getsockname()[1]
        threading.Thread(target=serve, args=(sock, play), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: os._exit(0))
    print(json.dumps(ports), flush=True)
    signal.pause()


main()
