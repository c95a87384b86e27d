// Writes numbers with std::to_chars, and reads them with std::from_chars.
#include "foxnn/text.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>

namespace foxnn {
namespace {

// Longer than "-1.2345678901234567e-308\n".
constexpr std::size_t kLongestNumber = 32;

// Most numbers of an image are zero.
template <class T>
constexpr std::string_view kZero = "0.00000000e+00\n";
template <>
constexpr std::string_view kZero<double> = "0.0000000000000000e+00\n";

template <class T>
char* write(T value, char* to) {
  constexpr int kDigitsBehindPoint = std::numeric_limits<T>::max_digits10 - 1;
  if (value == T(0) && !std::signbit(value)) {
    std::memcpy(to, kZero<T>.data(), kZero<T>.size());
    return to + kZero<T>.size();
  }
  to = std::to_chars(to, to + kLongestNumber, value, std::chars_format::scientific,
                     kDigitsBehindPoint)
           .ptr;
  *to++ = '\n';
  return to;
}

char* write_row(const MatrixView& matrix, index row, char* to) {
  const std::byte* data = matrix.row(row);
  for (index i = 0; i < matrix.columns; ++i) {
    switch (matrix.type) {
      case ElementType::f32:
        to = write(reinterpret_cast<const float*>(data)[i], to);
        break;
      case ElementType::f64:
        to = write(reinterpret_cast<const double*>(data)[i], to);
        break;
      case ElementType::u8:
        to = write(static_cast<float>(data[i]), to);
        break;
    }
  }
  return to;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Whether `write` would write the float nearest to this value as exactly this word.
bool written_as_float(const char* word, const char* end, double value) {
  constexpr index kMantissa = 10;  // d.dddddddd
  const char* digits = *word == '-' ? word + 1 : word;
  if (end - digits <= kMantissa || digits[1] != '.' || digits[kMantissa] != 'e') return false;
  if (value == 0.0) return true;
  // Rounded to nine digits, the float is off by at most half a unit in the last one. Near one half,
  // where this sum may be inexact, the word itself decides.
  double number = 0.0;  // the nine digits
  for (index i = 0; i < kMantissa; ++i) {
    if (i != 1) number = 10.0 * number + (digits[i] - '0');
  }
  const double nearest = static_cast<double>(static_cast<float>(value));
  const double units = std::abs(nearest - value) * number / std::abs(value);
  if (units < 0.49) return true;
  if (units > 0.51) return false;
  char text[kLongestNumber];
  const index length = write(static_cast<float>(value), text) - text - 1;  // no end of line
  return length == end - word && std::memcmp(text, word, static_cast<std::size_t>(length)) == 0;
}

// Whether a number outside the range of a double is too small, rather than too large: the position
// of its first nonzero digit decides.
bool is_too_small(const char* c, const char* end) {
  long long place = 0;
  bool behind_point = false, begun = false;
  for (; c < end && *c != 'e' && *c != 'E'; ++c) {
    if (*c == '.') {
      behind_point = true;
    } else if (*c != '-') {
      const bool leads = !begun && *c == '0';
      if (behind_point && !begun) --place;
      if (!behind_point && begun) ++place;
      begun = begun || !leads;
    }
  }
  if (c < end) {
    const bool negative = c + 1 < end && c[1] == '-';
    const char* digits = c + 1 + (c + 1 < end && (c[1] == '-' || c[1] == '+') ? 1 : 0);
    constexpr long long kFar = 1LL << 62;  // no text has this many digits
    long long exponent = 0;
    if (std::from_chars(digits, end, exponent).ec != std::errc() || exponent > kFar) {
      return negative;
    }
    place += negative ? -exponent : exponent;
  }
  return place < 0;
}

// The word as a finite number. Numbers too small for a double become zero.
bool read_number(const char* word, const char* end, double& out) {
  const char* begin = *word == '+' ? word + 1 : word;
  if (begin < end && begin != word && *begin == '-') return false;
  const auto [stop, error] = std::from_chars(begin, end, out);
  if (stop != end) return false;
  if (error == std::errc::result_out_of_range) {
    if (!is_too_small(begin, end)) return false;
    out = *begin == '-' ? -0.0 : 0.0;
    return true;
  }
  return error == std::errc() && std::isfinite(out);
}

}  // namespace

std::string rows_as_text(const std::vector<MatrixView>& matrices, index first, index last) {
  index columns = 0;
  for (const MatrixView& matrix : matrices) columns += matrix.columns;
  std::string text(static_cast<std::size_t>((last - first) * columns) * kLongestNumber, '\0');
  char* to = text.data();
  for (index row = first; row < last; ++row) {
    for (const MatrixView& matrix : matrices) to = write_row(matrix, row, to);
  }
  text.resize(static_cast<std::size_t>(to - text.data()));
  return text;
}

const char* read_table(const char* begin, const char* end, index rows,
                       std::vector<TextColumns>& groups, bool& complete) {
  const char* at = begin;
  complete = false;
  for (index row = 0; row < rows; ++row) {
    for (TextColumns& group : groups) {
      double* out = group.out + row * group.columns;
      for (index i = 0; i < group.columns; ++i) {
        while (at < end && is_space(*at)) ++at;
        const char* word = at;
        while (at < end && !is_space(*at)) ++at;
        if (word == at || !read_number(word, at, out[i])) return word;
        group.as_float = group.as_float && written_as_float(word, at, out[i]);
      }
    }
  }
  complete = true;
  return at;
}

}  // namespace foxnn
