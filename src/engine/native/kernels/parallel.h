/*
 * Runs the parts of one op's work on several threads. TensorFlow's C interface does not share its own threads with ops from
 * outside, so these are ours: as many as TensorFlow gives to one op, and used by one op at a time; a second op that comes
 * meanwhile works on its own thread alone.
 */
#pragma once
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

class Threads {
 public:
  /* Never destroyed: TensorFlow's threads may still work while a process ends. */
  static Threads& shared() {
    static Threads* threads = new Threads;
    return *threads;
  }

  /* Calls `work(first, last)` for ranges that make up [0, items); returns when all are done. */
  void run(int64_t items, const std::function<void(int64_t, int64_t)>& work) {
    std::unique_lock<std::mutex> alone(use_, std::try_to_lock);
    if (workers_.empty() || items < 2 || !alone.owns_lock()) {
      work(0, items);
      return;
    }
    const int64_t parts = std::min<int64_t>(items, 2 * (static_cast<int64_t>(workers_.size()) + 1));
    {
      std::lock_guard<std::mutex> lock(state_);
      work_ = &work;
      items_ = items;
      parts_ = parts;
      next_ = 0;
      busy_ = workers_.size();
      ++round_;
    }
    begin_.notify_all();
    takeParts();
    std::unique_lock<std::mutex> lock(state_);
    end_.wait(lock, [this] { return busy_ == 0; });
  }

 private:
  Threads() {
    const char* wanted = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int named = wanted == nullptr ? 0 : std::atoi(wanted);
    const int count = named > 0 ? named : static_cast<int>(std::thread::hardware_concurrency());
    for (int index = 1; index < count; ++index) workers_.emplace_back([this] { serve(); });
  }

  void serve() {
    uint64_t seen = 0;
    for (;;) {
      {
        std::unique_lock<std::mutex> lock(state_);
        begin_.wait(lock, [&] { return round_ != seen; });
        seen = round_;
      }
      takeParts();
      std::lock_guard<std::mutex> lock(state_);
      if (--busy_ == 0) end_.notify_one();
    }
  }

  void takeParts() {
    for (int64_t part = next_++; part < parts_; part = next_++) (*work_)(items_ * part / parts_, items_ * (part + 1) / parts_);
  }

  std::vector<std::thread> workers_;
  std::mutex use_, state_;
  std::condition_variable begin_, end_;
  const std::function<void(int64_t, int64_t)>* work_ = nullptr;
  int64_t items_ = 0, parts_ = 0;
  std::atomic<int64_t> next_{0};
  size_t busy_ = 0;
  uint64_t round_ = 0;
};
