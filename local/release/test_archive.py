"""Tests that a release's archives have the right files, and the same bytes each time: part of `make ci`."""

import io
import tarfile
import unittest
import zipfile

from release.archive import EXECUTABLE, Member, tar_gz, zipped

# varied like a program, and longer than Deflate's window
PROGRAM = b"".join(number.to_bytes(4, "little") for number in range(50_000))


class Zip(unittest.TestCase):
    def test_zip_has_an_executable_file_without_a_date(self) -> None:
        with zipfile.ZipFile(io.BytesIO(zipped(Member("bootstrap", PROGRAM, EXECUTABLE)))) as archive:
            self.assertIsNone(archive.testzip())
            (entry,) = archive.infolist()
            self.assertEqual(archive.read("bootstrap"), PROGRAM)
        self.assertEqual((entry.filename, entry.compress_type), ("bootstrap", zipfile.ZIP_DEFLATED))
        self.assertEqual((entry.create_system, entry.external_attr >> 16), (3, 0o100755))
        self.assertEqual(entry.date_time, (1980, 1, 1, 0, 0, 0))

    def test_zip_has_the_same_bytes_only_for_the_same_file(self) -> None:
        first, again = (zipped(Member("bootstrap", PROGRAM, EXECUTABLE)) for _ in range(2))
        self.assertEqual(first, again)
        self.assertNotEqual(first, zipped(Member("bootstrap", PROGRAM + b"!", EXECUTABLE)))


class Tar(unittest.TestCase):
    def test_tar_has_the_files_in_order_owned_by_root_and_without_a_date(self) -> None:
        members = [Member("folder/jwhook", PROGRAM, EXECUTABLE), Member("folder/LICENSE", b"text")]
        packed = tar_gz(members)
        self.assertEqual(packed[4:8], bytes(4))  # gzip's time of modification
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            entries = archive.getmembers()
            found = [(one.name, archive.extractfile(one).read(), one.mode) for one in entries]  # type: ignore[union-attr]
        self.assertEqual(found, [(one.name, one.data, one.mode) for one in members])
        self.assertEqual({(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in entries}, {(0, 0, "", "", 0)})
        self.assertEqual(packed, tar_gz(members))
