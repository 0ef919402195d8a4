// See Weights.h. ELF structures: System V ABI, chapters 4 and 5 (64-bit forms, little endian).
#include "codegen/Weights.h"

#include "codegen/ModelObject.h"

#include <cstring>
#include <elf.h>

namespace cameo {
namespace {

struct Headers {
  Elf64_Ehdr file;
  std::vector<Elf64_Phdr> segments;
  std::vector<Elf64_Shdr> sections;
};

Result<Headers> readHeaders(const OutputFile &file) {
  Headers headers;
  TRY(file.read(0, &headers.file, sizeof headers.file));
  headers.segments.resize(headers.file.e_phnum);
  headers.sections.resize(headers.file.e_shnum);
  TRY(file.read(headers.file.e_phoff, headers.segments.data(),
                headers.segments.size() * sizeof(Elf64_Phdr)));
  TRY(file.read(headers.file.e_shoff, headers.sections.data(),
                headers.sections.size() * sizeof(Elf64_Shdr)));
  return headers;
}

Result<Elf64_Shdr *> findSection(const OutputFile &file, Headers &headers) {
  const Elf64_Shdr &names = headers.sections[headers.file.e_shstrndx];
  std::string text(names.sh_size, '\0');
  TRY(file.read(names.sh_offset, text.data(), text.size()));
  for (Elf64_Shdr &section : headers.sections)
    if (std::strcmp(text.c_str() + section.sh_name, kWeightsSection) == 0)
      return &section;
  ICE("the weight section is gone");
}

// Blobs in order, with zeros between them and behind the last.
Result<void> appendBlobs(const Program &program, OutputFile &file) {
  std::vector<std::byte> bytes;
  int64_t position = 0;
  for (const WeightBlob &blob : program.weights) {
    ICE_UNLESS(blob.offset >= position && blob.size >= 0 &&
                   blob.size <= program.weightBytes - blob.offset,
               "weight blob '" + blob.name + "' is misplaced");
    std::string gap(blob.offset - position, '\0');
    TRY(file.append(gap));
    bytes.resize(blob.size);
    blob.fill(bytes);
    TRY(file.append(bytes.data(), blob.size));
    position = blob.offset + blob.size;
  }
  std::string rest(program.weightBytes - position + kWeightsSlack, '\0');
  return file.append(rest);
}

} // namespace

Result<void> appendWeights(const Program &program, OutputFile &file) {
  if (program.weightBytes == 0)
    return {};
  Headers headers = TRY(readHeaders(file));
  Elf64_Shdr *section = TRY(findSection(file, headers));
  int64_t alignment = 64;
  Elf64_Phdr *segment = nullptr;
  for (Elf64_Phdr &candidate : headers.segments)
    if (candidate.p_type == PT_LOAD && candidate.p_vaddr == section->sh_addr) {
      segment = &candidate;
      alignment = candidate.p_align;
    }
  ICE_UNLESS(!headers.file.e_phnum || (segment && segment->p_vaddr % alignment == 0 &&
                                       segment->p_memsz == section->sh_size),
             "the weights have no segment of their own");
  int64_t offset = TRY(file.alignEnd(alignment));
  section->sh_type = SHT_PROGBITS;
  section->sh_flags &= ~uint64_t{SHF_WRITE};
  section->sh_offset = offset;
  if (segment) {
    segment->p_offset = offset;
    segment->p_filesz = segment->p_memsz;
  }
  TRY(appendBlobs(program, file));
  TRY(file.patch(headers.file.e_phoff, headers.segments.data(),
                 headers.segments.size() * sizeof(Elf64_Phdr)));
  return file.patch(headers.file.e_shoff, headers.sections.data(),
                    headers.sections.size() * sizeof(Elf64_Shdr));
}

} // namespace cameo
