"""Opens, hashes and checks images and point clouds; the only file that decodes media.

Whatever cannot be used is a `MediaError`: one sentence that names the file. Decisions that hold for every model:

- Pixels become RGB by Pillow's plain `convert("RGB")`, as upstream does (reference 3.3): alpha is dropped, not laid
  over a colour; 16-bit gray is clipped at 255, not divided by 256; of an animation the first frame counts.
- EXIF rotation is not applied: boxes and points refer to the pixels as they are stored.
- Truncated files are refused. Upstream switches `LOAD_TRUNCATED_IMAGES` on and lets the model see gray bars.
- A cloud is a `.npy` array of shape [N, 3 or more]: x, y, z in metres, then red, green, blue from 0 to 255 (reference 3.4).
  With four or five columns there are no colours, and columns after the sixth are kept and not looked at. Colours of a
  floating type that all lie between 0 and 1 are taken for shares of 255, for as 0-255 the whole cloud would be black.
  Arrays of objects are refused before anything is read, so nothing is ever unpickled."""

from __future__ import annotations

import hashlib
import math
import os
import stat
import threading
import warnings
from collections import OrderedDict
from dataclasses import replace
from io import BufferedReader
from typing import TypeAlias

import numpy as np
from PIL import Image, features

from lamm_bench.errors import MediaError
from lamm_bench.types import Media

FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")  # no format whose decoder starts another program (EPS)
MAX_PIXELS = 100_000_000  # 300 MB as RGB
MAX_POINTS = 50_000_000
CACHE_BYTES = 256 * 2**20
BLANK = "blank"  # stands in `Media.sha256` for media whose content is hidden
GRAY = 128
EXIF_ORIENTATION = 0x0112

FileKey: TypeAlias = tuple[str, int, int]  # path, bytes, nanoseconds of the last change
CacheKey: TypeAlias = tuple[str, str, int, int]  # kind, then the file key

_warnings_lock = threading.Lock()
_hashes: dict[FileKey, str] = {}


class Cache:
    """Decoded media, the least recently used dropped first, never more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._entries: OrderedDict[CacheKey, tuple[Image.Image | np.ndarray, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: CacheKey) -> Image.Image | np.ndarray | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: CacheKey, value: Image.Image | np.ndarray, size: int) -> None:
        """Keeps `value` of `size` bytes; one that is larger than the whole cache is not kept."""
        with self._lock:
            if size > self.limit or key in self._entries:
                return
            self._entries[key] = (value, size)
            self.bytes += size
            while self.bytes > self.limit:
                self.bytes -= self._entries.popitem(last=False)[1][1]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self.bytes = 0


cache = Cache(CACHE_BYTES)


def image_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Width and height in pixels, from the header alone."""
    with _open_file(path) as file, _open_header(file, os.fspath(path)) as image:
        return image.size


def open_image(media: Media) -> Image.Image:
    """The picture as RGB; the caller may change it. A blank reference gives mid-gray of the same size."""
    _expect(media, "image")
    if media.sha256 == BLANK:
        return Image.new("RGB", image_size(media.path), (GRAY, GRAY, GRAY))
    key = ("image", *_file_key(media.path))
    found = cache.get(key)
    if found is None:
        found = _decode_image(media.path)
        cache.put(key, found, found.width * found.height * 3)
    assert isinstance(found, Image.Image)
    return found.copy()


def original(media: Media) -> tuple[bytes, str] | None:
    """The file's own bytes and their MIME type, where every decoder sees in them what `open_image` gives; None elsewhere.

    That is a JPEG or PNG of one frame, gray or RGB with 8 bits, without transparency and without EXIF rotation."""
    _expect(media, "image")
    if media.sha256 == BLANK:
        return None
    with _open_file(media.path) as file, _open_header(file, media.path) as image:
        try:
            turned = image.getexif().get(EXIF_ORIENTATION, 1) not in (0, 1)
        except Exception:  # damaged metadata: what another decoder makes of them cannot be known
            turned = True
        odd = "transparency" in image.info or getattr(image, "n_frames", 1) > 1
        if image.format not in ("JPEG", "PNG") or image.mode not in ("L", "RGB") or turned or odd:
            return None
        kind = f"image/{image.format.lower()}"
        file.seek(0)
        return file.read(), kind


def open_cloud(media: Media) -> np.ndarray:
    """Float32 of shape [N, columns >= 3], read-only: xyz in metres, then what the file holds (RGB 0-255 in columns 3-5).

    A blank reference gives a cloud of the same shape with every point at the mean position and mid-gray."""
    _expect(media, "point_cloud")
    key = ("point_cloud", *_file_key(media.path))
    found = cache.get(key)
    if found is None:
        found = _decode_cloud(media.path)
        cache.put(key, found, found.nbytes)
    assert isinstance(found, np.ndarray)
    return _blank_cloud(found) if media.sha256 == BLANK else found


def check(media: Media) -> None:
    """Decodes the file once; raises `MediaError` when a run could not use it."""
    if media.kind == "image":
        open_image(replace(media, sha256=""))
    else:
        open_cloud(replace(media, sha256=""))


def sha256(path: str | os.PathLike[str]) -> str:
    """Hexadecimal SHA-256 of the file's bytes, computed again only when its size or time of change differs."""
    key = _file_key(path)
    if key not in _hashes:
        digest = hashlib.sha256()
        with _open_file(path) as file:
            try:
                while block := file.read(1 << 20):
                    digest.update(block)
            except OSError as error:
                raise MediaError(f"{os.fspath(path)} cannot be read: {error.strerror or error}") from None
        _hashes[key] = digest.hexdigest()
    return _hashes[key]


def seal(media: Media) -> Media:
    """The same reference with the hash of its bytes; a blank one stays blank."""
    return media if media.sha256 == BLANK else replace(media, sha256=sha256(media.path))


def blank(media: Media) -> Media:
    """The same reference with its content hidden (control `blind`): same size or shape, nothing to see."""
    return replace(media, sha256=BLANK)


def content(media: Media) -> str:
    """What the media shows, as a key: the hash of its bytes; a blank one shows only the size or shape that it hides."""
    if media.sha256 == BLANK:
        return f"{BLANK} {sha256(media.path)}"
    return media.sha256 or sha256(media.path)


def decoder_versions() -> dict[str, str]:
    """What turned files into numbers; part of every manifest, because JPEG decoders differ in the last bit."""
    turbo = features.version_feature("libjpeg_turbo") if features.check_feature("libjpeg_turbo") else None
    return {"pillow": Image.__version__, "numpy": np.__version__, "libjpeg-turbo": str(turbo or "absent")}


def _expect(media: Media, kind: str) -> None:
    if media.kind != kind:
        raise ValueError(f"{media.path} is referred to as {media.kind}, and was opened as {kind}")


def _stat(path: str | os.PathLike[str]) -> os.stat_result:
    name = os.fspath(path)
    try:
        found = os.stat(name)
    except FileNotFoundError:
        raise MediaError(f"{name} is missing") from None
    except (OSError, ValueError) as error:
        raise MediaError(f"{name!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for ever
        raise MediaError(f"{name} is not a file")
    return found


def _file_key(path: str | os.PathLike[str]) -> FileKey:
    found = _stat(path)
    return os.fspath(path), found.st_size, found.st_mtime_ns


def _open_file(path: str | os.PathLike[str]) -> BufferedReader:
    if _stat(path).st_size == 0:
        raise MediaError(f"{os.fspath(path)} is empty (0 bytes)")
    try:
        return open(path, "rb")
    except OSError as error:
        raise MediaError(f"{os.fspath(path)} cannot be opened: {error.strerror or error}") from None


def _open_header(file: BufferedReader, name: str) -> Image.Image:
    """Pillow's lazy image, after its size has been found acceptable."""
    try:
        # Pillow warns of large images and of odd metadata; our own limit says the first, the second is of no use here
        with _warnings_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError:
        raise MediaError(f"{name} has more pixels than the limit of {MAX_PIXELS:,}") from None
    except Image.UnidentifiedImageError:
        raise MediaError(f"{name} is not an image that can be read ({', '.join(FORMATS)})") from None
    except Exception as error:  # on damaged headers Pillow's plug-ins raise nearly every kind of exception
        raise MediaError(f"{name} has a damaged image header ({_reason(error)})") from None
    width, height = image.size
    if width < 1 or height < 1:
        raise MediaError(f"{name} is {width} x {height} pixels, expected at least 1 x 1")
    if width * height > MAX_PIXELS:
        raise MediaError(f"{name} is {width:,} x {height:,} pixels, more than the limit of {MAX_PIXELS:,} in all")
    return image


def _decode_image(path: str) -> Image.Image:
    with _open_file(path) as file, _open_header(file, path) as image:
        try:
            image.load()
        except Exception as error:  # as above: the kind of exception depends on the plug-in and on the damage
            raise MediaError(f"{path} is truncated or damaged ({_reason(error)})") from None
        image.info.pop("transparency", None)  # `convert` would drop it anyway, but with a warning
        try:
            # `copy` for RGB files: the result must not hang on the closed file
            return image.copy() if image.mode == "RGB" else image.convert("RGB")
        except (ValueError, OSError, MemoryError) as error:
            raise MediaError(f"{path} holds {image.mode} pixels, which cannot become RGB ({_reason(error)})") from None


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:160] or type(error).__name__


def _decode_cloud(path: str) -> np.ndarray:
    with _open_file(path) as file:
        shape, dtype = _cloud_header(file, path)
        points = _count(shape, dtype, path)
        expected = math.prod(shape) * dtype.itemsize
        there = os.fstat(file.fileno()).st_size - file.tell()
        if there < expected:
            raise MediaError(f"{path} is truncated: {there:,} bytes of data, expected {expected:,} for {points:,} points")
        file.seek(0)
        try:
            cloud = np.lib.format.read_array(file, allow_pickle=False)
        except (ValueError, OSError, EOFError, MemoryError) as error:
            raise MediaError(f"{path} cannot be read as an array ({_reason(error)})") from None
    with np.errstate(over="ignore", invalid="ignore"):
        cloud = np.ascontiguousarray(cloud, dtype=np.float32)
    bad = int(np.count_nonzero(~np.isfinite(cloud).all(axis=1)))
    if bad:
        raise MediaError(f"{path} holds NaN or infinite values in {bad:,} of {len(cloud):,} points")
    if dtype.kind == "f" and cloud.shape[1] >= 6:
        colors = cloud[:, 3:6]
        if colors.min() >= 0 and colors.max() <= 1:
            colors *= 255
    cloud.setflags(write=False)  # shared by every reader through the cache
    return cloud


def _cloud_header(file: BufferedReader, path: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype that a `.npy` file announces; nothing of its data is read."""
    try:
        # Python warns of odd literals in a header; what is wrong with it is said below
        with _warnings_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            version = np.lib.format.read_magic(file)
            if version == (1, 0):
                shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            elif version == (2, 0):
                shape, _, dtype = np.lib.format.read_array_header_2_0(file)
            else:  # 3.0 exists for field names outside Latin-1, which no cloud has
                raise ValueError(f"format version {version}")
    except Exception as error:  # NumPy parses the header as a literal, which on damaged bytes fails in many ways
        raise MediaError(f"{path} is not a .npy array ({_reason(error)})") from None
    return shape, dtype


def _count(shape: tuple[int, ...], dtype: np.dtype, path: str) -> int:
    """The number of points, after the announced shape and dtype have been found acceptable."""
    if dtype.hasobject:
        raise MediaError(f"{path} holds Python objects, which are never unpickled; expected an array of numbers")
    if dtype.kind not in "fiu":
        raise MediaError(f"{path} holds {dtype}, expected an array of float32")
    if len(shape) != 2 or shape[1] < 3:
        raise MediaError(f"{path} has shape {list(shape)}, expected [points, 3 or more columns]")
    if shape[0] < 1:
        raise MediaError(f"{path} holds 0 points, expected at least 1")
    if math.prod(shape) > MAX_POINTS * 6:
        raise MediaError(f"{path} holds {shape[0]:,} points of {shape[1]} columns, more than the limit of {MAX_POINTS:,} points")
    return shape[0]


def _blank_cloud(cloud: np.ndarray) -> np.ndarray:
    result = np.empty_like(cloud)
    result[:] = cloud.mean(axis=0, dtype=np.float64)
    if cloud.shape[1] >= 6:
        result[:, 3:6] = GRAY
    result.setflags(write=False)
    return result
