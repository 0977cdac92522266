// Timers against brute force: every pending timer looked at before every row.

#include "operators/timers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "state/memory_store.h"
#include "tests/support/batch_builder.h"

namespace tacho {
namespace {

constexpr Millis kForget{400};
constexpr std::array<Millis, 2> kSilences = {Millis(60), Millis(25)};
constexpr size_t kTimers = 5;  // Two of silence, one each of the others.

struct Row {
  std::string vehicle;
  int64_t at;
};

std::vector<Row> RandomRows(unsigned seed, size_t count) {
  std::mt19937 random(seed);
  std::vector<Row> rows;
  int64_t now = 1000;
  for (size_t i = 0; i < count; ++i) {
    // Now and then everybody has been silent for long.
    now += random() % 60 == 0 ? static_cast<int64_t>(random() % 600)
                              : static_cast<int64_t>(random() % 6);
    const int64_t behind =
        random() % 5 == 0 ? static_cast<int64_t>(random() % 50) : 0;
    rows.push_back({"v" + std::to_string(random() % 7), now - behind});
  }
  return rows;
}

// What an operator does with its timers, worked out from what it is told: the
// same for the code and for the model.
class Script {
 public:
  struct Order {
    size_t timer;
    bool cancel;
    int64_t due;
    int64_t order;  // 0: when it is due.
  };

  explicit Script(unsigned seed) : seed_(seed) {}

  std::vector<Order> AtRow(const std::string& vehicle, int64_t now) {
    return Think(vehicle, now, 0);
  }
  // Later than what has fired, so that it comes to an end.
  std::vector<Order> OnFire(size_t timer, const std::string& vehicle,
                            int64_t due) {
    return Think(vehicle, due + static_cast<int64_t>(timer), due);
  }

 private:
  std::vector<Order> Think(const std::string& vehicle, int64_t about,
                           int64_t after) {
    std::seed_seq seeds{seed_, static_cast<unsigned>(about),
                        static_cast<unsigned>(vehicle[1])};
    std::mt19937 random(seeds);
    std::vector<Order> orders;
    for (size_t i = 0; i < random() % 3; ++i) {
      Order order;
      order.timer = random() % kTimers;
      order.cancel = random() % 4 == 0;
      const int64_t base = std::max(after, about);
      order.due = base + 1 + static_cast<int64_t>(random() % 120);
      order.order = random() % 2 == 0
                        ? 0
                        : base / 50 * 50 + static_cast<int64_t>(random() % 4);
      orders.push_back(order);
    }
    return orders;
  }

  unsigned seed_;
};

// row, timer, vehicle, due
using Fired = std::tuple<size_t, size_t, std::string, int64_t>;

class Model {
 public:
  explicit Model(unsigned seed) : script_(seed) {}

  void AddRow(size_t number, const Row& row) {
    const int64_t now = std::max(now_, row.at);
    now_ = now;
    Clock& clock = clocks_[row.vehicle];
    const bool fresh = !clock.seen || clock.last_seen + kForget.count() <= now;
    if (fresh) clock.own = now - kForget.count();
    clock.own = std::max(clock.own, row.at);
    FireAll(number, row.vehicle);
    clock.last_seen = now;
    clock.seen = true;
    Obey(row.vehicle, script_.AtRow(row.vehicle, now));
  }
  void End(size_t number) {
    now_ = kEnd;
    FireAll(number, "");
  }
  const std::vector<Fired>& fired() const { return fired_; }

 private:
  static constexpr int64_t kEnd = 1LL << 40;
  struct Clock {
    bool seen = false;
    int64_t own = 0;
    int64_t last_seen = 0;
  };
  struct Pending {
    int64_t due;
    int64_t order;
  };
  using Key = std::pair<size_t, std::string>;

  // When it fires; none: not now.
  bool IsDue(const Key& key, const Pending& pending, const std::string& row,
             int64_t& due) {
    const auto& [timer, vehicle] = key;
    const Clock& clock = clocks_[vehicle];
    due = pending.due;
    if (timer == 3) return vehicle == row && due <= clock.own;
    if (timer < 2) {
      due = std::max(due, clock.last_seen + kSilences[timer].count());
    }
    if (timer == 4) due = std::max(due, clock.last_seen + kForget.count());
    return due <= now_;
  }

  void FireAll(size_t number, const std::string& row) {
    std::vector<Pending*> ended;
    std::map<Key, bool> ended_keys;
    while (true) {
      const Key* first = nullptr;
      std::tuple<int64_t, std::string, size_t> least;
      int64_t first_due = 0;
      for (const auto& [key, pending] : pending_) {
        int64_t due = 0;
        if (ended_keys.contains(key) || !IsDue(key, pending, row, due)) {
          continue;
        }
        const std::tuple<int64_t, std::string, size_t> place(
            pending.order == 0 ? due : pending.order, key.second, key.first);
        if (first != nullptr && least <= place) continue;
        first = &key;
        least = place;
        first_due = due;
      }
      if (first == nullptr) return;
      const Key key = *first;
      const bool ends = now_ == kEnd;
      if (ends && key.first == 4) {
        ended_keys[key] = true;
      } else {
        pending_.erase(key);
      }
      fired_.emplace_back(number, key.first, key.second, first_due);
      if (ends) continue;
      Obey(key.second, script_.OnFire(key.first, key.second, first_due));
    }
  }

  void Obey(const std::string& vehicle,
            const std::vector<Script::Order>& orders) {
    for (const Script::Order& order : orders) {
      if (order.cancel) {
        pending_.erase({order.timer, vehicle});
      } else {
        pending_[{order.timer, vehicle}] = {order.due, order.order};
      }
    }
  }

  Script script_;
  int64_t now_ = INT64_MIN / 4;
  std::map<std::string, Clock> clocks_;
  std::map<Key, Pending> pending_;
  std::vector<Fired> fired_;
};

class Runner {
 public:
  explicit Runner(unsigned seed, size_t memory = size_t{1} << 24)
      : state_(store_, memory),
        clock_(kForget),
        timers_(state_, clock_),
        script_(seed),
        batch_({}) {
    clock_.Open(state_);
    CHECK(state_.Load(std::nullopt).ok());
    all_ = {timers_.Declare(0, TimerClock::kSilence, kSilences[0]),
            timers_.Declare(1, TimerClock::kSilence, kSilences[1]),
            timers_.Declare(1, TimerClock::kPartition),
            timers_.Declare(2, TimerClock::kVehicle),
            timers_.DeclareForget(2, kForget)};
  }

  void Run(const std::vector<Row>& rows, size_t batch_size) {
    for (size_t begin = 0; begin < rows.size(); begin += batch_size) {
      const size_t end = std::min(rows.size(), begin + batch_size);
      batch_.Clear();
      BatchBuilder builder{SignalSchema()};
      for (size_t i = begin; i < end; ++i) {
        builder.Add(batch_, {rows[i].vehicle.c_str(), rows[i].at, {}}, 0);
      }
      CHECK(state_.InternBatch(batch_).ok());
      clock_.Observe(batch_);
      timers_.Begin(batch_);
      for (size_t row = 0; row < end - begin;) row = ProcessFrom(begin, row);
      timers_.End();
      (void)state_.EvictIfOver();
    }
    row_ = rows.size();
    ending_ = true;
    CHECK(timers_.FireUpTo(kEndOfTime, fire_).ok());
  }
  const std::vector<Fired>& fired() const { return fired_; }

 private:
  // Fires before `row` and processes what follows, up to the next stop.
  size_t ProcessFrom(size_t begin, size_t first) {
    row_ = begin + first;
    CHECK(timers_.FireAt(first, fire_).ok());
    RowRange range(first, timers_.NextStop(first));
    timers_.Process(&range);
    for (size_t& row = range.row; row < range.end; ++row) {
      Obey(batch_.vehicle[row],
           script_.AtRow(std::string(batch_.vehicle_id[row]),
                         ToEpochMillis(batch_.partition_time[row])));
    }
    timers_.Process(nullptr);
    return range.end;
  }

  Status OnFire(const DueTimer& due) {
    const auto at = static_cast<size_t>(
        std::find(all_.begin(), all_.end(), due.timer) - all_.begin());
    const std::string id(state_.VehicleId(due.vehicle));
    EXPECT_LE(due.due, due.now);
    EXPECT_EQ(due.now == kEndOfTime, ending_);
    fired_.emplace_back(row_, at, id, ToEpochMillis(due.due));
    if (!ending_) {
      Obey(due.vehicle, script_.OnFire(at, id, ToEpochMillis(due.due)));
    }
    return Status::Ok();
  }

  void Obey(VehicleIndex vehicle, const std::vector<Script::Order>& orders) {
    for (const Script::Order& order : orders) {
      Timer* const timer = all_[order.timer];
      if (order.cancel) {
        timer->Cancel(vehicle);
      } else if (order.order == 0) {
        timer->Set(vehicle, FromEpochMillis(order.due));
      } else {
        timer->Set(vehicle, FromEpochMillis(order.due),
                   FromEpochMillis(order.order));
      }
    }
  }

  MemoryStore store_;
  LaneState state_;
  VehicleClock clock_;
  Timers timers_;
  Script script_;
  Batch batch_;
  std::array<Timer*, kTimers> all_{};
  std::vector<Fired> fired_;
  size_t row_ = 0;
  bool ending_ = false;
  const Timers::Fire fire_ = [this](const DueTimer& due) {
    return OnFire(due);
  };
};

TEST(TimersTest, FireWhenAndInTheOrderThatBruteForceSays) {
  size_t fired = 0;
  for (unsigned seed = 1; seed <= 15; ++seed) {
    const std::vector<Row> rows = RandomRows(seed, 600);
    Model model(seed);
    for (size_t i = 0; i < rows.size(); ++i) model.AddRow(i, rows[i]);
    model.End(rows.size());
    fired += model.fired().size();
    for (const size_t batch_size : {1, 7, 1000}) {
      Runner runner(seed);
      runner.Run(rows, batch_size);
      ASSERT_EQ(runner.fired(), model.fired())
          << "seed " << seed << ", batches of " << batch_size;
    }
  }
  EXPECT_GT(fired, 3000u);
}

}  // namespace
}  // namespace tacho
