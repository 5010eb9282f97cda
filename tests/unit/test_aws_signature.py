"""The examples of the S3 API reference, "Examples: Signature Calculations", with its access key."""

from datetime import UTC, datetime

import pytest

from slipyard.clients.backup_places.aws_signature import AwsKey, AwsRequest, signed_headers

KEY = AwsKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
HOST, THEN = "examplebucket.s3.amazonaws.com", datetime(2013, 5, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("request_", "signature"),
    [
        (
            AwsRequest("GET", HOST, "/test.txt", {}, {"range": "bytes=0-9"}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            AwsRequest(
                "PUT",
                HOST,
                "/test$file.text",
                {},
                {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
                b"Welcome to Amazon S3.",
            ),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            AwsRequest("GET", HOST, "/", {"lifecycle": ""}, {}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            AwsRequest("GET", HOST, "/", {"max-keys": "2", "prefix": "J"}, {}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_requests_are_signed_as_the_reference_says(request_, signature):
    assert signed_headers(request_, KEY, THEN)["authorization"].endswith(f"Signature={signature}")


def test_the_secret_is_in_no_header():
    headers = signed_headers(AwsRequest("GET", HOST, "/", {}, {}), KEY, THEN)
    assert KEY.secret not in str(headers)
    assert KEY.secret not in repr(KEY)
