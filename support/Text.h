// Names from a model made fit for messages and identifiers: a model may carry any bytes.
#pragma once

#include <string>
#include <string_view>

namespace cameo {

/// Whether the text is UTF-8 without control characters.
bool isCleanText(std::string_view text);
/// The text with invalid UTF-8 and what a terminal acts on instead of showing it (control
/// characters, marks that change the direction of text) replaced by `?`.
std::string oneLine(std::string_view text);
/// The same, but for line breaks, which stay.
std::string lines(std::string_view text);
/// oneLine, cut to 200 bytes: a name in a message.
std::string printable(std::string_view text);
/// The text with what is not UTF-8 replaced by `?`, of any length and with line breaks.
std::string validUtf8(std::string_view text);
/// A C identifier that resembles the text: other characters become `_`.
std::string identifier(std::string_view text);
/// `'text'`, printable.
std::string quote(std::string_view text);

} // namespace cameo
