"""LiteRT.js, Google's runtime of TFLite files in browsers: its files, or the address of them."""

import json
import shutil
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from srvp_tf.errors import UserError

PACKAGE = "@litertjs/core"
TRIED_VERSION = "2.5.3"
LICENCE = "Apache-2.0"
CDN = f"https://cdn.jsdelivr.net/npm/{PACKAGE}@{TRIED_VERSION}/"
FOLDER = "litert"
LOADED_MEGABYTES = 10
"""What a reader's browser loads: the module and one of the variants."""

MODULE = "dist/index.js"
# The second is for browsers without relaxed SIMD, as Safari is: LiteRT.js takes one of them. Its
# other variants need threads, hence headers that no plain server sends, or a GPU.
_WASM = (
    "wasm/litert_wasm_internal.js",
    "wasm/litert_wasm_internal.wasm",
    "wasm/litert_wasm_compat_internal.js",
    "wasm/litert_wasm_compat_internal.wasm",
)
FILES = (MODULE, *_WASM)
"""What a page needs of the package."""

_APACHE_LICENCE = Path(__file__).with_name("LICENSE")  # for packages that do not have it


class Runtime(NamedTuple):
    """Where a page finds LiteRT.js.

    base: address of the package, absolute or relative to the page; ends with a slash.
    version: of the package.
    folder: the unpacked package to copy; None where the page loads it from `base`.
    """

    base: str
    version: str
    folder: Path | None

    @property
    def module(self) -> str:
        """Address of the JavaScript module."""
        return self.base + MODULE

    @property
    def origin(self) -> str:
        """Scheme and host that the page loads it from; empty for the page's own."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def from_folder(folder: Path) -> Runtime:
    """The `Runtime` of an unpacked npm package; raises `UserError` if it is none."""
    try:
        told = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        name, version = told["name"], str(told["version"])
    except (OSError, ValueError, KeyError, TypeError):
        name = None
    if name != PACKAGE or not all((folder / file).is_file() for file in FILES):
        raise UserError(
            f"--litert_dir={folder} is no unpacked {PACKAGE} {TRIED_VERSION}: `npm pack "
            f"{PACKAGE}@{TRIED_VERSION}` and unpack what it brings, or leave the flag out"
        )
    return Runtime(f"./{FOLDER}/", version, folder)


def from_cdn(address: str) -> Runtime:
    """The `Runtime` that a page loads from an address; raises `UserError` if it is none."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc or set(address) & set(" '\";<>"):
        raise UserError(f"--litert_cdn={address} is no address such as {CDN}")
    version = parts.path.rstrip("/").rpartition("@")[2]
    return Runtime(address.rstrip("/") + "/", version, None)


def copy(runtime: Runtime, page_folder: Path) -> int:
    """Copy what a page needs of a package into its folder, with a licence; returns the bytes.

    Nothing is copied of one that is loaded from elsewhere.
    """
    if runtime.folder is None:
        return 0
    target = page_folder / FOLDER
    for name in FILES:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(runtime.folder / name, target / name)  # not its permissions
    own = runtime.folder / _APACHE_LICENCE.name
    shutil.copyfile(own if own.is_file() else _APACHE_LICENCE, target / own.name)
    return sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
