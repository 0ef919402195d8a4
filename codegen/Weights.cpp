// See Weights.h. ELF structures: System V ABI, chapters 4 and 5 (32- and 64-bit forms, little
// endian).
#include "codegen/Weights.h"

#include "codegen/Checksum.h"
#include "codegen/ModelObject.h"
#include "support/PagedWriter.h"
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

/// Bytes of a blob, or zeros.
struct Part {
  const WeightMaker *maker; // or nullptr
  int64_t at;               // in all weights
  int64_t from, size;       // in those of the maker
};

/// All weights in order, in parts of about kPartBytes each.
std::vector<Part> partsOf(const Program &program) {
  std::vector<Part> parts;
  int64_t position = 0;
  auto add = [&](const WeightMaker *maker, int64_t at, int64_t size) {
    int64_t piece = maker ? std::max<int64_t>(1, maker->pieceBytes) : 1;
    int64_t step = std::max<int64_t>(1, kPartBytes / piece) * piece;
    for (int64_t from = 0; from < size; from += step)
      parts.push_back({maker, at + from, from, std::min(step, size - from)});
    position = at + size;
  };
  for (const WeightBlob &blob : program.weights) {
    ICE_UNLESS(blob.offset >= position && blob.size >= 0 &&
                   blob.size <= program.weightBytes - blob.offset,
               "weight blob '" + blob.name + "' is misplaced");
    add(nullptr, position, blob.offset - position);
    add(&blob.maker, blob.offset, blob.size);
  }
  add(nullptr, position, program.weightBytes - position);
  return parts;
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
  std::vector<Part> parts = partsOf(program);
  PagedWriter writer(file, TRY(file.size()), program.weightBytes, kHugePage);
  return inParallel(std::ssize(parts), [&](int64_t i) {
    const Part &part = parts[i];
    std::vector<std::byte> bytes(part.size);
    if (part.maker)
      part.maker->write(bytes, part.from);
    return writer.add(part.at, bytes);
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
