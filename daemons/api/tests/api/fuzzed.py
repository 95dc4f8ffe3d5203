"""Checks of what schemathesis is answered, beside its own. See fuzzed.rs."""

import os

import schemathesis

PUBLIC = set(os.environ["BULKHEAD_PUBLIC_ROUTES"].split(","))
# Daemons that do not run beside the instance under test: to say so is right.
ABSENT = set(os.environ["BULKHEAD_ABSENT"].split(","))


def problem_code(response):
    is_problem = response.headers.get("content-type", [""])[0] == "application/problem+json"
    return response.json().get("code") if is_problem else None


@schemathesis.check
def fails_by_no_fault_of_its_own(ctx, response, case):
    """No 5xx, whatever is sent."""
    if response.status_code >= 500 and problem_code(response) not in ABSENT:
        raise AssertionError(f"{response.status_code}: {response.text[:500]}")


@schemathesis.check
def a_refusal_is_a_problem_document(ctx, response, case):
    """What went wrong is told in one shape."""
    if response.status_code >= 400 and response.request.method != "HEAD" and problem_code(response) is None:
        raise AssertionError(f"{response.status_code} without a problem's code: {response.text[:500]}")


@schemathesis.check
def nothing_without_a_session(ctx, response, case):
    """A stranger gets something by the public routes alone."""
    route = f"{case.operation.method.upper()} {case.operation.path}"
    if response.status_code < 400 and route not in PUBLIC:
        raise AssertionError(f"{route} answered {response.status_code} to nobody: {response.text[:500]}")
