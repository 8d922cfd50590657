"""The documented API over HTTP, once below each prefix."""

import socket
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from .faults import leaves_unanswered, misbehave
from .operations import OPERATIONS, Operation, Request
from .problems import ApiError
from .records import Call, Environment
from .world import World

PREFIXES: dict[Environment, str] = {"production": "/api", "sandbox": "/sandbox/api"}


def blueprint(world: World, environment: Environment) -> Blueprint:
    """All operations for one environment."""
    routes = Blueprint(f"{environment}_api", __name__, url_prefix=PREFIXES[environment])
    for operation in OPERATIONS:
        routes.add_url_rule(
            operation.path,
            endpoint=operation.name,
            view_func=_door(world, environment, operation),
            methods=[operation.method],
        )
    return routes


def refusal(error: ApiError) -> Response:
    """A refusal as ND8 answers it."""
    response = jsonify(detail=error.detail)
    response.status_code = error.status
    response.headers.update(error.headers)
    return response


def _door(world: World, environment: Environment, operation: Operation) -> Callable[..., Response]:
    def serve(target: str = "") -> Response:
        received = Request(
            environment=environment,
            base_url=request.host_url,
            headers=dict(request.headers),
            query=request.args,
            raw=request.get_data(),
            target=target,
        )
        with world.lock:
            fault = world.faults.take(operation.name)
        if fault is None:
            response = _answer(world, operation, received)
        else:
            connection: socket.socket = request.environ["werkzeug.socket"]
            response = misbehave(
                fault, lambda: _answer(world, operation, received), url=request.url, connection=connection
            )
        status = None if fault and leaves_unanswered(fault.kind) else response.status_code
        with world.lock:
            world.calls.append(Call(operation.name, environment, status, world.clock()))
        return response

    return serve


def _answer(world: World, operation: Operation, received: Request) -> Response:
    try:
        with world.lock:
            operation.admit(world.credentials, received.headers, received.environment)
            status, answer = operation.act(world, received)
    except ApiError as error:
        return refusal(error)
    response = Response() if answer is None else jsonify(answer)
    response.status_code = status
    return response
