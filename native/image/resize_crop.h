// The preprocessing of a picture up to the bytes that the model sees.
#pragma once

#include <cstdint>

#include "ops/result.h"

namespace winnow {

// Resizes the shorter side of `source` to `resize` pixels as PIL's bicubic does (a = -0.5, antialiased, two
// passes with an 8-bit intermediate, 22-bit fixed-point coefficients), the longer side to
// int(resize * long / short), and cuts the centre square of `crop` pixels, offsets rounded half to even.
// source: RGB bytes [height, width, 3]; target: [crop, crop, 3]. Only the pixels of the crop are computed.
// Fails with bad_argument when a size is 0 or crop exceeds resize. Byte-exact to the original's evaluation
// transform.
Status resize_and_crop(const std::uint8_t* source, int width, int height, int resize, int crop,
                       std::uint8_t* target);

// The same crop `right` and `down` pixels further; what lies beyond the resized picture is black.
struct Shift {
  int right = 0, down = 0;
};
Status resize_and_crop(const std::uint8_t* source, int width, int height, int resize, int crop, Shift shift,
                       std::uint8_t* target);

// A rectangle of a picture, in pixels.
struct PictureBox {
  int left, top, width, height;
};
// Resizes a rectangle of `source` [height, width, 3] to the square `target` [side, side, 3] with the same
// filter; pixels beyond the rectangle count for nothing. Fails with bad_argument unless it lies within.
Status resize_box(const std::uint8_t* source, int width, int height, const PictureBox& box, int side,
                  std::uint8_t* target);

// How pixels of the source become one of the target.
enum class ResizeFilter {
  smooth,   // PIL's bilinear: a triangle as wide as a target pixel (antialiased), 8-bit arithmetic as above
  sampled,  // bilinear between the four around the target pixel's centre, in double precision, a half rounded
            // up
};

// Resizes all of `source` [height, width, 3] to `target` [target_height, target_width, 3]. smooth is
// byte-exact to PIL (detectron2's resize), sampled follows mmcv's (OpenCV's bilinear without its fixed-point
// rounding). Fails with bad_argument when a size is 0.
Status resize(const std::uint8_t* source, int width, int height, int target_width, int target_height,
              ResizeFilter filter, std::uint8_t* target);

}  // namespace winnow
