from collections.abc import Iterator

import pyarrow.fs
import pytest


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """The address of a bucket on a server of this machine: one for all tests, since its address is kept."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        system, _ = pyarrow.fs.FileSystem.from_uri("s3://portraits?allow_bucket_creation=true")
        system.create_dir("portraits")
        yield "s3://portraits"
    server.stop()
