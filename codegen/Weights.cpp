// See Weights.h. ELF structures: System V ABI, chapters 4 and 5 (32- and 64-bit forms, little
// endian).
#include "codegen/Weights.h"

#include "codegen/Checksum.h"
#include "codegen/ModelObject.h"
#include "support/Parallel.h"

#include <algorithm>
#include <cstring>
#include <elf.h>

namespace cameo {
namespace {

/// What a thread makes of the weights at a time, about.
constexpr int64_t kPartBytes = 1 << 20;
/// On x86, and on aarch64 with pages of 4 KiB.
constexpr int64_t kHugePage = 2 << 20;

struct Elf32 {
  using File = Elf32_Ehdr;
  using Segment = Elf32_Phdr;
  using Section = Elf32_Shdr;
};
struct Elf64 {
  using File = Elf64_Ehdr;
  using Segment = Elf64_Phdr;
  using Section = Elf64_Shdr;
};

template <class Elf> struct Headers {
  typename Elf::File file;
  std::vector<typename Elf::Segment> segments;
  std::vector<typename Elf::Section> sections;
};

template <class Elf> Result<Headers<Elf>> readHeaders(const OutputFile &file, int64_t start) {
  Headers<Elf> headers;
  TRY(file.read(start, &headers.file, sizeof headers.file));
  headers.segments.resize(headers.file.e_phnum);
  headers.sections.resize(headers.file.e_shnum);
  TRY(file.read(start + headers.file.e_phoff, headers.segments.data(),
                headers.segments.size() * sizeof(typename Elf::Segment)));
  TRY(file.read(start + headers.file.e_shoff, headers.sections.data(),
                headers.sections.size() * sizeof(typename Elf::Section)));
  return headers;
}

template <class Elf>
Result<void> writeHeaders(OutputFile &file, int64_t start, const Headers<Elf> &headers) {
  TRY(file.patch(start + headers.file.e_phoff, headers.segments.data(),
                 headers.segments.size() * sizeof(typename Elf::Segment)));
  return file.patch(start + headers.file.e_shoff, headers.sections.data(),
                    headers.sections.size() * sizeof(typename Elf::Section));
}

template <class Elf>
Result<typename Elf::Section *> findSection(const OutputFile &file, int64_t start,
                                            Headers<Elf> &headers) {
  const typename Elf::Section &names = headers.sections[headers.file.e_shstrndx];
  std::string text(names.sh_size, '\0');
  TRY(file.read(start + names.sh_offset, text.data(), text.size()));
  for (typename Elf::Section &section : headers.sections)
    if (std::strcmp(text.c_str() + section.sh_name, kWeightsSection) == 0)
      return &section;
  ICE("the weight section is gone");
}

/// Appends zeros in pieces that begin at multiples of a huge page: Linux keeps what is written at
/// once together in memory, and maps it as huge pages where it can (ext4 since 6.16, XFS).
Result<void> appendHugePages(OutputFile &file, int64_t bytes) {
  std::vector<std::byte> zeros(std::min(bytes, kHugePage));
  int64_t from = TRY(file.size()), end = from + bytes;
  while (from < end) {
    int64_t to = std::min(end, (from / kHugePage + 1) * kHugePage);
    TRY(file.patch(from, zeros.data(), to - from));
    from = to;
  }
  return {};
}

template <class Elf>
Result<void> fillSection(const Program &program, OutputFile &file, int64_t start) {
  Headers<Elf> headers = TRY(readHeaders<Elf>(file, start));
  typename Elf::Section *section = TRY(findSection<Elf>(file, start, headers));
  int64_t alignment = 64, behind = 0;
  typename Elf::Segment *segment = nullptr;
  for (typename Elf::Segment &candidate : headers.segments)
    if (candidate.p_type == PT_LOAD && candidate.p_vaddr == section->sh_addr) {
      segment = &candidate;
      if (program.weightBytes >= kHugePage)
        candidate.p_align = kHugePage;
      alignment = candidate.p_align;
      behind = candidate.p_vaddr % alignment;
    }
  ICE_UNLESS(!headers.file.e_phnum || (segment && segment->p_memsz == section->sh_size),
             "the weights have no segment of their own");
  int64_t size = TRY(file.size()) - start;
  int64_t offset = (size - behind + alignment - 1) / alignment * alignment + behind;
  TRY(file.append(std::string(offset - size, '\0')));
  section->sh_type = SHT_PROGBITS;
  section->sh_flags &= ~uint64_t{SHF_WRITE};
  section->sh_offset = offset;
  if (segment) {
    segment->p_offset = offset;
    segment->p_filesz = segment->p_memsz;
  }
  TRY(appendBlobs(program, file));
  TRY(file.append(std::string(kWeightsSlack, '\0')));
  return writeHeaders<Elf>(file, start, headers);
}

} // namespace

Result<void> appendBlobs(const Program &program, OutputFile &file) {
  struct Part {
    const WeightBlob &blob;
    int64_t from, size;
  };
  std::vector<Part> parts;
  int64_t position = 0;
  for (const WeightBlob &blob : program.weights) {
    ICE_UNLESS(blob.offset >= position && blob.size >= 0 &&
                   blob.size <= program.weightBytes - blob.offset,
               "weight blob '" + blob.name + "' is misplaced");
    position = blob.offset + blob.size;
    int64_t piece = std::max<int64_t>(1, blob.maker.pieceBytes);
    int64_t step = std::max<int64_t>(1, kPartBytes / piece) * piece;
    for (int64_t from = 0; from < blob.size; from += step)
      parts.push_back({blob, from, std::min(step, blob.size - from)});
  }
  int64_t start = TRY(file.size());
  TRY(appendHugePages(file, program.weightBytes));
  return inParallel(std::ssize(parts), [&](int64_t i) {
    const Part &part = parts[i];
    std::vector<std::byte> bytes(part.size);
    part.blob.maker.write(bytes, part.from);
    return file.patch(start + part.blob.offset + part.from, bytes.data(), part.size);
  });
}

Result<void> appendWeights(const Program &program, OutputFile &file, int64_t start) {
  if (program.weightBytes == 0)
    return {};
  unsigned char ident[EI_NIDENT];
  TRY(file.read(start, ident, sizeof ident));
  return ident[EI_CLASS] == ELFCLASS32 ? fillSection<Elf32>(program, file, start)
                                       : fillSection<Elf64>(program, file, start);
}

// Members have a header of 60 bytes with their size as text at byte 48, and begin at even offsets.
Result<void> appendWeightsToArchive(const Program &program, OutputFile &file) {
  std::string front(std::min<int64_t>(TRY(file.size()), 4096), '\0');
  TRY(file.read(0, front.data(), front.size()));
  size_t start = front.find(ELFMAG, 0, SELFMAG);
  ICE_UNLESS(start != std::string::npos && start >= 60, "no object in the archive");
  TRY(appendWeights(program, file, start));
  int64_t size = TRY(file.size()) - start;
  std::string text = std::to_string(size);
  text.resize(10, ' ');
  TRY(file.patch(start - 12, text.data(), text.size()));
  return size % 2 ? file.append("\n") : Result<void>();
}

Result<uint64_t> writeWeightsFile(const Program &program, OutputFile &file) {
  TRY(appendBlobs(program, file));
  uint64_t id = TRY(checksumOf(file, program.weightBytes));
  char trailer[kWeightsSlack] = {'c', 'a', 'm', 'e', 'o', 'w', 't', 's'};
  std::memcpy(trailer + 8, &id, sizeof id);
  TRY(file.append(trailer, sizeof trailer));
  return id;
}

} // namespace cameo
