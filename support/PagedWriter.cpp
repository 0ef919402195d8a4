// See PagedWriter.h.
#include "support/PagedWriter.h"

#include <algorithm>

namespace cameo {

PagedWriter::Page &PagedWriter::pageOf(int64_t position) {
  std::lock_guard lock(mutex_);
  int64_t number = position / pageBytes_;
  std::unique_ptr<Page> &page = pages_[number];
  if (!page) {
    int64_t begin = std::max(begin_, number * pageBytes_);
    int64_t size = std::min(end_, (number + 1) * pageBytes_) - begin;
    page = std::make_unique<Page>(
        Page{std::make_unique_for_overwrite<std::byte[]>(size), begin, size, size});
  }
  return *page;
}

std::unique_ptr<PagedWriter::Page> PagedWriter::count(Page &page, int64_t added) {
  std::lock_guard lock(mutex_);
  page.missing -= added;
  if (page.missing > 0)
    return nullptr;
  return std::move(pages_.extract(page.begin / pageBytes_).mapped());
}

Result<void> PagedWriter::add(int64_t at, std::span<const std::byte> part) {
  int64_t position = begin_ + at;
  while (!part.empty()) {
    Page &page = pageOf(position);
    int64_t inPage = position - page.begin;
    int64_t size = std::min<int64_t>(std::ssize(part), page.size - inPage);
    std::copy_n(part.begin(), size, page.bytes.get() + inPage);
    if (std::unique_ptr<Page> whole = count(page, size))
      TRY(file_.patch(whole->begin, whole->bytes.get(), whole->size));
    part = part.subspan(size);
    position += size;
  }
  return {};
}

} // namespace cameo
