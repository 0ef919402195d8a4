"""What tests of the program share: a folder of their own for each test, and their command line."""
import argparse, os, shutil, sys, tempfile, unittest


def command_line(**others):
    """--cameo as an absolute path, others by their defaults (False makes a flag), and as `rest` what is for unittest."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cameo", required=True)
    for name, default in others.items():
        parser.add_argument("--" + name, **({"action": "store_true"} if default is False else {"default": default}))
    options, rest = parser.parse_known_args()
    options.cameo, options.rest = os.path.abspath(options.cameo), sys.argv[:1] + rest
    return options


class FolderCase(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="cameo_test_")
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
