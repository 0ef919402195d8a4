// Names from a model made fit for messages and identifiers: a model may carry any bytes.
#pragma once

#include <string>
#include <string_view>

namespace cameo {

/// Whether the text is UTF-8 without control characters.
bool isCleanText(std::string_view text);
/// The text with control characters and invalid UTF-8 replaced by `?`, cut to 200 bytes: one line
/// of a message.
std::string printable(std::string_view text);
/// The text with what is not UTF-8 replaced by `?`, of any length and with line breaks.
std::string validUtf8(std::string_view text);
/// A C identifier that resembles the text: other characters become `_`.
std::string identifier(std::string_view text);
/// `'text'`, printable.
std::string quote(std::string_view text);

} // namespace cameo
