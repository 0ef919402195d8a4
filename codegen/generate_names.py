#!/usr/bin/env python3
"""Writes codegen/ReservedNames.inc: the identifiers that C, C++, the C library's headers and its symbols have
at file scope, which the entry function of a model must keep off. Names that begin with an underscore are left
out (modelIdentifier knows that rule). Needs gcc, nm and glibc's headers and libraries.

  generate_names.py > ReservedNames.inc
"""
import re, subprocess, textwrap

C = """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic
stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype""".split()
POSIX = """aio arpa/inet dirent dlfcn fcntl fnmatch ftw glob grp iconv langinfo libgen netdb netinet/in netinet/tcp
poll pthread pwd regex sched search semaphore spawn strings sys/ioctl sys/mman sys/resource sys/select sys/socket
sys/stat sys/statvfs sys/time sys/types sys/uio sys/un sys/utsname sys/wait syslog termios unistd utime""".split()
KEYWORDS = """alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class
co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default
delete do double dynamic_cast else enum explicit export extern false float for friend goto if import inline int long
module mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register
reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct switch template
this thread_local throw true try typedef typeid typename typeof typeof_unqual union unsigned using virtual void
volatile wchar_t while xor xor_eq final override std main""".split()


def preprocess(headers, *flags):
    text = "".join("#include <%s.h>\n" % header for header in headers)
    return subprocess.run(["gcc", "-x", "c", "-std=gnu17", "-D_GNU_SOURCE", "-E", "-P", *flags, "-"], input=text, text=True,
                          capture_output=True, check=True).stdout


def declared(text):
    """Names of types, tags, enumerators and functions: what stands outside of the braces of structs and the
    parentheses of parameters, and within the braces of enums."""
    text = re.sub(r'"[^"]*"|__attribute__\s*\(\([^;]*?\)\)', "", text)
    names = set(re.findall(r"\b(?:struct|union|enum)\s+(\w+)", text))
    for body in re.findall(r"\benum\b[^{;]*\{([^}]*)\}", text):
        names |= set(re.findall(r"(?:^|,)\s*(\w+)", body))
    while re.search(r"\{[^{}]*\}", text):
        text = re.sub(r"\{[^{}]*\}", " ", text)
    names |= set(re.findall(r"\btypedef\b[^;]*?\(\s*\*\s*(\w+)", text))
    while re.search(r"\([^()]*\)", text):
        text = re.sub(r"\([^()]*\)", " ; ", text)
    return names | set(re.findall(r"(\w+)\s*(?:\[[^\]]*\]\s*)*;", text))


def exported(library):
    listing = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in listing.splitlines()}


names = set(KEYWORDS) | declared(preprocess(C + POSIX))
names |= set(re.findall(r"(?m)^#define (\w+)", preprocess(C + POSIX, "-dM")))
for library in "libc.so.6", "libm.so.6":
    names |= exported("/lib/x86_64-linux-gnu/" + library)
usable = sorted(name for name in names if re.fullmatch(r"[A-Za-z]\w*", name))
print("// Made by generate_names.py: identifiers that C, C++ and the C library keep to themselves.")
for line in textwrap.wrap(" ".join(usable), 150, break_on_hyphens=False):
    print('"%s "' % line)
