#pragma once

/// Whether the tests are built with sanitizers. These make a trial ten times slower, and their
/// build need not try all that the release build tries.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif
