"""Where everything is: ports on loopback, files below one folder, secrets of this run."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = Path(__file__).with_name("templates")
POSTGRESQL = Path("/usr/lib/postgresql/15/bin")
NODES = (1, 2, 3)
GROUPS = (1, 2, 3)


@dataclass(frozen=True)
class Places:
    """The folder of a trial and its ports, counted from the first."""

    folder: Path
    first_port: int
    password: str = field(default_factory=lambda: secrets.token_hex(16))

    def etcd(self, node: int) -> int:
        return self.first_port + node

    def etcd_peer(self, node: int) -> int:
        return self.first_port + 10 + node

    def patroni(self, node: int) -> int:
        return self.first_port + 20 + node

    def postgres(self, node: int) -> int:
        return self.first_port + 30 + node

    @property
    def primary(self) -> int:
        return self.first_port + 41

    @property
    def replicas(self) -> int:
        return self.first_port + 42

    @property
    def pgbouncer(self) -> int:
        return self.first_port + 51

    @property
    def redis(self) -> int:
        return self.first_port + 61

    def group(self, number: int) -> int:
        return self.first_port + 70 + number

    @property
    def nginx(self) -> int:
        return self.first_port + 81

    @property
    def nginx_one_group(self) -> int:
        return self.first_port + 82

    def data(self, node: int) -> Path:
        return self.folder / f"node{node}"

    def database_url(self, port: int, name: str = "mimivibes") -> str:
        return f"postgres://mimivibes:{self.password}@127.0.0.1:{port}/{name}"

    def write(self, file: str, template: str, /, **values: object) -> Path:
        """Fill in a template; return the file, which only its owner may read."""
        text = Template((TEMPLATES / template).read_text()).substitute(folder=self.folder, **values)
        return self.write_text(file, text)

    def write_text(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path
