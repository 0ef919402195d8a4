// Parts of pages of HTML that load nothing.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace cameo {

/// A text on one line, as HTML shows it.
std::string escaped(const std::string &text);

/// From the doctype to the heading.
std::string pageHead(const std::string &title);

/// A plot in SVG. Axes are linear in what they are given; for a logarithmic one, give decades.
class Plot {
public:
  struct Axis {
    double low, high;
    std::string title;
    std::vector<std::pair<double, std::string>> ticks;
  };
  /// Without a title there is no heading.
  Plot(std::string title, Axis x, Axis y);

  void line(double x1, double y1, double x2, double y2, const std::string &color);
  void curve(const std::vector<std::pair<double, double>> &points, const std::string &color);
  /// A text whose `anchor` (start, middle, end) is so many pixels to the right of and below a
  /// point.
  void text(double x, double y, const std::string &what, const std::string &anchor,
            double right = 0, double below = 0);
  /// A circle, at the edge where it is outside; `detail` shows when the pointer is on it.
  void circle(double x, double y, double radius, const std::string &color,
              const std::string &detail);
  std::string svg() const;

  /// Colours that are told apart, in turn.
  static std::string color(size_t i);
  /// Ticks at the powers of ten.
  static Axis decades(int low, int high, std::string title);

private:
  double left(double x) const;
  double top(double y) const;

  std::string title_;
  Axis x_, y_;
  std::string body_;
};

/// A list of colours with what they stand for.
std::string legendHtml(const std::vector<std::pair<std::string, std::string>> &colors);

} // namespace cameo
