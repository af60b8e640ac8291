#include "model/segmentation/segmenter.h"

#include <algorithm>

#include "model/clock.h"

namespace winnow {
namespace {

constexpr int kLongest = 4;                                // sides of a window that a picture's side may have
constexpr int kRows = 128;                                 // of pixels that are labelled in one piece
constexpr std::size_t kMostScores = std::size_t{1} << 30;  // bytes, of all windows together

Error wrong(std::string message) { return Error{ErrorCode::bad_argument, std::move(message)}; }

Error cancelled() { return Error{ErrorCode::cancelled, "The prediction was cancelled."}; }

std::string text(PictureSize size) {
  return std::to_string(size.width) + " x " + std::to_string(size.height);
}

template <typename T>
void append(std::vector<T>& all, const std::vector<T>& some) {
  all.insert(all.end(), some.begin(), some.end());
}

}  // namespace

Result<std::unique_ptr<Segmenter>> Segmenter::create(const DyvmConfig& config, Weights& weights,
                                                     Backend& backend) {
  std::unique_ptr<Segmenter> segmenter(new Segmenter(config, backend));
  if (const Status loaded = segmenter->load(weights); !loaded) return loaded.error();
  return segmenter;
}

Status Segmenter::load(Weights& weights) {
  TensorReader read(weights);
  auto backbone = DenseBackbone::load(config_, read, "backbone.", backend_);
  if (!backbone) return backbone.error();
  backbone_ = std::move(*backbone);
  head_->load(read);
  if (!read.status) return read.status;
  return read.check_all_asked();
}

Result<SlidingWindows> Segmenter::place_windows(PictureSize size, const SegmentationOptions& options) const {
  const int side = config_.image_size, trained = config_.trained_size;
  if (std::min(size.width, size.height) < 1 || std::max(size.width, size.height) > kLongest * side)
    return wrong("Expected a picture whose sides are 1 to " + std::to_string(kLongest * side) +
                 " pixels long, but it is " + text(size) + ".");
  if (std::min(options.target.width, options.target.height) < 1)
    return wrong("Expected regions of a picture of at least one pixel, but it is " + text(options.target) +
                 ".");
  if (options.slide_stride < 1 || options.slide_stride > trained)
    return wrong("Expected a slide stride of 1 to " + std::to_string(trained) +
                 " pixels, so that windows cover the picture, but it is " +
                 std::to_string(options.slide_stride) + ".");
  const int stride =
      std::max(1, static_cast<int>((2ll * options.slide_stride * side + trained) / (2ll * trained)));
  SlidingWindows windows = SlidingWindows::over(size.width, size.height, side, stride);
  const std::size_t each = sizeof(float) * head_->side() * head_->side() * config_.classes;
  const std::size_t most = std::max<std::size_t>(1, kMostScores / each);
  if (static_cast<std::size_t>(windows.count()) > most)
    return wrong("Expected a slide stride that needs at most " + std::to_string(most) +
                 " windows, but one of " + std::to_string(options.slide_stride) + " pixels needs " +
                 std::to_string(windows.count()) + " for this picture.");
  return windows;
}

Status Segmenter::segment(const std::uint8_t* pixels, PictureSize size, const DynamicOptions& dynamic,
                          const SegmentationOptions& options, Segmentation& segmentation) {
  Clock clock;
  const auto windows = place_windows(size, options);
  if (!windows) return windows.error();
  if (const Status planned = workspace_.lay_out([&] { head_->plan(workspace_); }); !planned) return planned;
  const int side = head_->side();
  const Status planned = pictures_.lay_out([&] {
    scores_ = pictures_.take<float>({windows->count(), side, side, config_.classes});
    classes_ = pictures_.take<std::uint16_t>({kRows, options.target.width});
  });
  if (!planned) return planned;
  segmentation = {};
  const Status scored = score_windows(pixels, size, *windows, dynamic, options.trace, segmentation);
  if (!scored) return scored;
  const Status found = find_regions(*windows, dynamic, options.target, options.trace, segmentation);
  if (!found) return found;
  segmentation.milliseconds = clock.lap();
  return ok();
}

Status Segmenter::score_windows(const std::uint8_t* pixels, PictureSize size, const SlidingWindows& windows,
                                const DynamicOptions& dynamic, SegmentationTrace* trace,
                                Segmentation& segmentation) {
  const int side = config_.image_size;
  input_.resize(3ull * side * side);
  for (int i = 0; i < windows.count(); ++i) {
    Clock clock;
    normalise_window(pixels, size, windows.left(i), windows.top(i), side, config_.mean, config_.std,
                     input_.data());
    DynamicOptions options = dynamic;
    if (trace != nullptr) options.trace = true;
    if (trace != nullptr && !trace->replay.empty()) options.replay = &trace->replay[i];
    if (const Status done = backbone_->forward(input_.data(), 1, options, receipt_); !done) return done;
    segmentation.times.backbone += clock.lap();
    if (dynamic.cancelled()) return cancelled();
    head_->run(features(), {scores_.at(i), {1, head_->side(), head_->side(), config_.classes}});
    segmentation.times.head += clock.lap();
    append(segmentation.directions, receipt_.directions);
    append(segmentation.survived, receipt_.survived);
    if (trace != nullptr) trace->windows.push_back(receipt_);
  }
  if (trace != nullptr) {
    trace->layout = windows;
    record(*trace);
  }
  return ok();
}

Status Segmenter::find_regions(const SlidingWindows& windows, const DynamicOptions& dynamic,
                               PictureSize target, SegmentationTrace* trace, Segmentation& segmentation) {
  Clock clock;
  ClassMapEncoder encoder(target.width);
  labels_.resize(static_cast<std::size_t>(kRows) * target.width);
  for (int first = 0; first < target.height; first += kRows) {
    if (dynamic.cancelled()) return cancelled();
    const int rows = std::min(kRows, target.height - first);
    const TensorView<std::uint16_t> classes(classes_.data(), {rows, target.width});
    backend_.label_pixels(scores_, windows, target.width, target.height, first, classes);
    backend_.read(labels_.data(), classes.data(), classes.size() * sizeof(std::uint16_t));
    if (const Status done = backend_.wait(); !done) return done;
    for (int y = 0; y < rows; ++y)
      encoder.add_row(labels_.data() + static_cast<std::size_t>(y) * target.width);
    if (trace != nullptr)
      trace->classes.insert(trace->classes.end(), labels_.begin(),
                            labels_.begin() + static_cast<std::ptrdiff_t>(classes.size()));
  }
  for (auto& [class_index, mask] : encoder.finish())
    segmentation.regions.push_back({class_index, std::move(mask)});
  std::stable_sort(segmentation.regions.begin(), segmentation.regions.end(),
                   [](const Region& a, const Region& b) { return a.mask.area > b.mask.area; });
  segmentation.times.labels = clock.lap();
  return ok();
}

std::vector<Tensor> Segmenter::features() const {
  return config_.taps().empty() ? std::vector<Tensor>{backbone_->final_stream()} : backbone_->taps();
}

void Segmenter::record(SegmentationTrace& trace) const {
  const auto read = [&](std::vector<float>& target, Tensor source) {
    target.resize(source.size());
    backend_.read(target.data(), source.data(), source.size() * sizeof(float));
  };
  for (const Tensor& map : features()) read(trace.features.emplace_back(), map);
  for (const Tensor& level : head_->pyramid()) read(trace.pyramid.emplace_back(), level);
  read(trace.scores, scores_);
}

}  // namespace winnow
